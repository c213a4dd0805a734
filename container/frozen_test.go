// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"flag"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// freeze makes the packages in testdata/v1 that do not exist yet. Those that
// exist are never made again: they must open for ever.
var freeze = flag.Bool("freeze", false, "make the frozen packages that are missing")

const frozen = "testdata/v1"

// frozenPackage is one of the packages that every later version has to open.
type frozenPackage struct {
	name   string
	suite  tgspcrypto.Suite
	hash   LeafHash
	kem    tgspcrypto.KEM
	policy Policy
	clause string // that forbids opening it in 2026
	fleet  bool   // it is for the frozen fleet
}

func frozenPackages() []frozenPackage {
	var all []frozenPackage
	for _, suite := range tgspcrypto.Suites() {
		for _, hash := range LeafHashes() {
			for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
				name := fmt.Sprintf("%s-%s-%s", suite, hash, kem)
				all = append(all, frozenPackage{name: strings.ToLower(name), suite: suite, hash: hash, kem: kem})
			}
		}
	}
	plain := frozenPackage{suite: tgspcrypto.AES256GCM, hash: SHA256, kem: tgspcrypto.X25519}
	for name, p := range map[string]struct {
		policy Policy
		clause string
	}{
		"policy-not-after":  {Policy{NotAfter: 1_600_000_000, GraceSeconds: 60}, ClauseNotAfter},
		"policy-not-before": {Policy{NotBefore: 4_000_000_000}, ClauseNotBefore},
	} {
		plain.name, plain.policy, plain.clause = name, p.policy, p.clause
		all = append(all, plain)
	}
	for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
		plain = frozenPackage{suite: tgspcrypto.AES256GCM, hash: SHA256, kem: kem, fleet: true}
		plain.name = "fleet-" + strings.ToLower(string(kem))
		all = append(all, plain)
	}
	return all
}

func TestFrozenPackages(t *testing.T) {
	if *freeze {
		makeFrozen(t)
	}
	trust := &Trust{Keys: []TrustedKey{{Key: frozenAuthor(t).Public(), Role: RoleAuthor}}}
	want := map[string]bool{}
	for _, p := range frozenPackages() {
		want[p.name+".tgsp"] = true
		t.Run(p.name, func(t *testing.T) {
			f, err := OpenFile(filepath.Join(frozen, p.name+".tgsp"))
			check(t, err)
			defer f.Close() // only read
			identities := frozenIdentities(t, p.kem)
			facts := Facts{Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
			if p.fleet {
				identities, facts.Fleets = nil, []Membership{frozenMember(t, p.kem)}
			}
			report, err := f.Verify(t.Context(), VerifyOptions{Trust: trust, Identities: identities, Facts: facts})
			check(t, err)
			if m := report.Envelope.Manifest(); m.Suite != p.suite || m.LeafHash != p.hash || !report.ContentsChecked {
				t.Errorf("%s, %s, contents checked: %v", m.Suite, m.LeafHash, report.ContentsChecked)
			}
			a, err := f.Accept(trust)
			check(t, err)
			r, err := a.Open(facts, identities)
			if p.clause != "" {
				if refusal := new(PolicyError); !errors.As(err, &refusal) || refusal.Clause != p.clause {
					t.Errorf("got %v, want a refusal by %s", err, p.clause)
				}
				return
			}
			check(t, err)
			(&fixture{files: frozenModel(t)}).checkContents(t, r)
			if len(r.Folders()) != 1 || r.Metadata() != frozenMetadata || len(r.Weights()) != 2 {
				t.Errorf("folders %q, metadata %q, %d weights", r.Folders(), r.Metadata(), len(r.Weights()))
			}
		})
	}
	found, err := filepath.Glob(filepath.Join(frozen, "*.tgsp"))
	check(t, err)
	for _, name := range found {
		if !want[filepath.Base(name)] {
			t.Errorf("no test opens %s", name)
		}
	}
}

const frozenMetadata = `{"license": "Apache-2.0",  "trained_on": "nothing"}`

func frozenAuthor(t testing.TB) *tgspcrypto.AuthorKey {
	t.Helper()
	key, err := tgspcrypto.ReadAuthorKeyFile(filepath.Join(frozen, "author.key"))
	check(t, err)
	return key
}

func frozenIdentities(t testing.TB, kem tgspcrypto.KEM) []*tgspcrypto.Identity {
	t.Helper()
	ids, err := tgspcrypto.ReadIdentityFile(filepath.Join(frozen, strings.ToLower(string(kem))+".key"))
	check(t, err)
	return ids
}

// frozenModel is the plaintext of every frozen package.
func frozenModel(t testing.TB) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	root := os.DirFS(filepath.Join(frozen, "model"))
	check(t, iofs.WalkDir(root, ".", func(name string, d iofs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files[name], err = iofs.ReadFile(root, name)
		}
		return err
	}))
	// Version control keeps neither of these.
	files["empty"] = []byte{}
	return files
}

func makeFrozen(t *testing.T) {
	for _, p := range frozenPackages() {
		name := filepath.Join(frozen, p.name+".tgsp")
		if _, err := os.Stat(name); err == nil {
			continue
		}
		dir := writeModel(t, frozenModel(t))
		check(t, os.Mkdir(filepath.Join(dir, "empty folder"), 0o755))
		check(t, os.Chmod(filepath.Join(dir, "run.sh"), 0o755))
		src, err := Scan(dir, SourceOptions{})
		check(t, err)
		o := PackOptions{
			PackageID: "tgsp/frozen", Version: "1.0.0", CreatedAt: created, Policy: p.policy,
			Annotations: map[string]string{"purpose": "opens for ever"}, Metadata: []byte(frozenMetadata),
			Suite: p.suite, LeafHash: p.hash, Author: frozenAuthor(t),
			Recipients: []*tgspcrypto.Recipient{frozenIdentities(t, p.kem)[0].Recipient()},
		}
		if p.fleet {
			o.Recipients, o.Fleet = nil, makeFrozenFleet(t, p.kem)
		}
		_, err = Pack(t.Context(), name, src, o)
		check(t, err)
	}
}

// frozenBundle names what the frozen identity of a kind was handed by the fleet
// of that kind.
func frozenBundle(kem tgspcrypto.KEM) string {
	return filepath.Join(frozen, "fleet-"+strings.ToLower(string(kem))+".bundle")
}

func frozenMember(t testing.TB, kem tgspcrypto.KEM) Membership {
	t.Helper()
	data, err := os.ReadFile(frozenBundle(kem))
	check(t, err)
	return membershipIn(t, data, frozenIdentities(t, kem)[0])
}

// makeFrozenFleet makes a fleet in which the frozen identity is one of three, and
// writes what it is handed two epochs later than the one that is returned.
func makeFrozenFleet(t *testing.T, kem tgspcrypto.KEM) *FleetEpoch {
	t.Helper()
	x := newFleet(t, kem, frozenIdentities(t, kem)[0], newIdentity(t, kem), newIdentity(t, kem))
	x.validUntil = time.Unix(maxTime, 0)
	first := NewFleetEpoch(x.file)
	x.rotate()
	x.rotate()
	check(t, os.WriteFile(frozenBundle(kem), x.bundle(x.agents[0]), 0o644))
	return first
}
