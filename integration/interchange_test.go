// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/integration/rig"
)

// The folder interchange holds a second reader, in Python, that was written
// against container/FORMAT.md alone. These tests have both readers look at the
// same packages.

const frozen = "../container/testdata/v1"

var primitives = sync.OnceValues(func() (string, error) {
	program := filepath.Join(lab.scratch, "bin", "primitives")
	out, err := exec.Command("go", "build", "-o", program, "./interchange/primitives").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// secondReader prepares one of the programs of the folder interchange.
func secondReader(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	path := must(filepath.Abs(filepath.Join("interchange", program)))(t)
	cmd := plainUser().Exec(python, append([]string{"-B", path}, args...)...)
	cmd.Env = append(cmd.Env, "TGSP_PRIMITIVES="+must(primitives())(t))
	return cmd
}

// reading is what the second reader says of one package.
type reading struct {
	Package   string `json:"package"`
	Code      int    `json:"code"`
	Message   string `json:"message"`
	PackageID string `json:"package_id"`
	Files     []struct {
		Path   string `json:"path"`
		Mode   uint64 `json:"mode"`
		SHA256 string `json:"sha256"`
	} `json:"files"`
	Folders  []string `json:"folders"`
	Metadata string   `json:"metadata"`
}

// readAgain has the second reader verify packages.
func readAgain(t *testing.T, packages []string, flags ...string) []reading {
	t.Helper()
	r := rig.Collect(secondReader(t, "tgsp_reader.py", append(flags, packages...)...))
	var readings []reading
	want := 0
	for dec := json.NewDecoder(strings.NewReader(r.Stdout)); dec.More(); {
		var v reading
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v: %s", err, r)
		}
		if readings = append(readings, v); want == 0 {
			want = v.Code
		}
	}
	if len(readings) != len(packages) || r.Stderr != "" || r.Code != want {
		t.Fatalf("%d packages, exit %d, want %d and %d: %s", len(readings), r.Code, len(packages), want, r)
	}
	return readings
}

func frozenAuthor(t *testing.T) tgspcrypto.AuthorPublicKey {
	t.Helper()
	return must(tgspcrypto.ReadAuthorKeyFile(filepath.Join(frozen, "author.key")))(t).Public()
}

// frozenFile is the absolute path of a file beside the frozen packages.
func frozenFile(t *testing.T, name string) string {
	t.Helper()
	return must(filepath.Abs(filepath.Join(frozen, name)))(t)
}

func trusting(t *testing.T) []string {
	t.Helper()
	return []string{"--trusted-key", frozenAuthor(t).String()}
}

func withKeys(t *testing.T, flags ...string) []string {
	t.Helper()
	return append(flags, "-i", frozenFile(t, "x25519.key"), "-i", frozenFile(t, "mlkem768-x25519.key"))
}

// TestSecondReaderOpensFrozenPackages compares what the second reader finds in
// every frozen package with what this program finds.
func TestSecondReaderOpensFrozenPackages(t *testing.T) {
	packages := must(filepath.Glob(frozenFile(t, "*.tgsp")))(t)
	if len(packages) < 11 {
		t.Fatalf("%d frozen packages", len(packages))
	}
	flags := append(withKeys(t, trusting(t)...), fleetFlags(t)...)
	for i, got := range readAgain(t, packages, flags...) {
		t.Run(filepath.Base(packages[i]), func(t *testing.T) {
			f := must(container.OpenFile(packages[i]))(t)
			defer f.Close()
			trust := &container.Trust{Keys: []container.TrustedKey{{Key: frozenAuthor(t), Role: container.RoleAuthor}}}
			accepted := must(f.Accept(trust))(t)
			var ids []*tgspcrypto.Identity
			for _, name := range []string{"x25519.key", "mlkem768-x25519.key"} {
				ids = append(ids, must(tgspcrypto.ReadIdentityFile(frozenFile(t, name)))(t)...)
			}
			if accepted.Manifest().Policy.NotAfter != 0 {
				// It was closed before it was made, so that no right clock opens it.
				// All of them hold the same model.
				open := must(container.OpenFile(packages[0]))(t)
				defer open.Close()
				accepted = must(open.Accept(trust))(t)
			}
			facts := container.Facts{Now: time.Now(), Fleets: frozenMembers(t, ids)}
			if from := accepted.Manifest().Policy.NotBefore; from != 0 {
				facts.Now = time.Unix(int64(from), 0)
			}
			r := must(accepted.Open(facts, ids))(t)
			if got.Code != 0 || got.PackageID != accepted.Manifest().PackageID {
				t.Fatalf("%+v", got)
			}
			if len(got.Files) != len(r.Files()) || fmt.Sprint(got.Folders) != fmt.Sprint(r.Folders()) || got.Metadata != r.Metadata() {
				t.Errorf("the second reader finds %+v", got)
			}
			for i, e := range r.Files() {
				if g := got.Files[i]; g.Path != e.Path || g.Mode != e.Mode || g.SHA256 != e.SHA256.String() {
					t.Errorf("the second reader finds %+v, want %+v", g, e)
				}
			}
		})
	}
}

// TestSecondReaderReadsLargeFiles has it read what no frozen package has: files that
// start with a leaf, zeros before them, and more than one level of the tree.
func TestSecondReaderReadsLargeFiles(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	model := subfolder(t, u, dir, "model")
	noise := rand.NewChaCha8([32]byte{1})
	sizes := map[string]int{"a": 1, "b": 8 << 20, "c": 8<<20 - 1, "d": 12 << 20, "e": 0, "f": 65536} // 28 MiB: leaves have 64 KiB
	for name, size := range sizes {
		data := make([]byte, size)
		must(noise.Read(data))(t)
		if err := os.WriteFile(filepath.Join(model, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pkg := filepath.Join(dir, "large.tgsp")
	if r := u.Run("pack", model, "-o", pkg); r.Code != 0 {
		t.Fatal(r)
	}
	author := must(tgspcrypto.ReadAuthorKeyFile(filepath.Join(u.Home(), "author.key")))(t).Public()
	flags := []string{"--trusted-key", author.String(), "-i", filepath.Join(u.Home(), "identity.key")}
	got := readAgain(t, []string{pkg}, flags...)[0]
	if got.Code != 0 || len(got.Files) != len(sizes) {
		t.Fatalf("%+v", got)
	}
	for _, f := range got.Files {
		sum := sha256.Sum256(must(os.ReadFile(filepath.Join(model, f.Path)))(t))
		if f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %s, want %x", f.Path, f.SHA256, sum)
		}
	}
}

// fleetFlags give the second reader what the frozen fleets have handed out.
func fleetFlags(t *testing.T) []string {
	t.Helper()
	return []string{"--fleet", frozenFile(t, "fleet-x25519.bundle"), "--fleet", frozenFile(t, "fleet-mlkem768-x25519.bundle")}
}

// frozenMembers are the memberships of the frozen identities.
func frozenMembers(t *testing.T, ids []*tgspcrypto.Identity) []container.Membership {
	t.Helper()
	var all []container.Membership
	for _, name := range []string{"fleet-x25519.bundle", "fleet-mlkem768-x25519.bundle"} {
		bundle := must(fleet.ParseBundle(must(os.ReadFile(frozenFile(t, name)))(t)))(t)
		all = append(all, container.NewMembership(must(bundle.Keyring(ids))(t)))
	}
	return all
}
