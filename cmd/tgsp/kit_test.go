// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// TestKit gives every package of the test kit to each verb that opens one, and
// compares exit codes and what comes out with what the case states.
func TestKit(t *testing.T) {
	cases, err := kit.ReadAll("../../container/testdata/kit")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	t.Setenv("TGSP_HOME", home)
	dir := t.TempDir()
	authorKey := filepath.Join(dir, "author.key")
	if err := os.WriteFile(authorKey, []byte(kitAuthorKey(t, cases)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.IsPackage() {
			t.Run(c.ID, func(t *testing.T) {
				(&kitUser{T: t, Case: c, authorKey: authorKey, home: home}).run()
			})
		}
	}
}

// kitAuthorKey is the secret key of the kit's author: the line of the case that
// shows what one looks like.
func kitAuthorKey(t *testing.T, cases []*kit.Case) string {
	t.Helper()
	i := slices.IndexFunc(cases, func(c *kit.Case) bool { return c.ID == "line-author-secret-good" })
	if i < 0 {
		t.Fatal("the kit has lost the author's key")
	}
	return cases[i].Line
}

// kitUser is somebody who uses the command on a package of the kit.
type kitUser struct {
	*testing.T
	*kit.Case
	authorKey string
	home      string // $TGSP_HOME
	dir       string
	identity  []string // the flags
	flags     []string // of trust
}

func (k *kitUser) run() {
	k.dir = k.TempDir()
	k.trust()
	k.installFleets()
	for i, line := range k.Identities {
		name := filepath.Join(k.dir, string(rune('a'+i))+".key")
		k.write(name, []byte(line))
		k.identity = append(k.identity, "-i", name)
	}
	if k.Require != "" {
		k.flags = append(k.flags, "--require-key", k.Require)
	}
	if k.Expect != "" {
		k.flags = append(k.flags, "--expect", k.Expect)
	}
	pkg := k.copy()
	k.want(k.Public, "verify", pkg)
	if len(k.Fleets) == 0 || k.usualTime() { // a fleet file is judged by a clock
		k.want(k.Verify, append([]string{"verify", pkg}, k.identity...)...)
	}
	if !k.usualTime() {
		// Other verbs look at the clock of this machine.
		k.want(k.Open, append([]string{"verify", pkg, "--at", k.At.Format(time.RFC3339)}, k.identity...)...)
		return
	}
	k.want(k.Open, append([]string{"ls", pkg}, k.identity...)...)
	k.cat(pkg)
	k.extract(pkg)
	k.changes()
}

// usualTime reports whether the case is for the clock that nearly all are for,
// so that this machine's will do.
func (k *kitUser) usualTime() bool {
	return k.At.Equal(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC))
}

// trust fills the trust store.
func (k *kitUser) trust() {
	store := &trustStore{Keys: []trustEntry{}}
	for _, t := range k.Trusted {
		entry := trustEntry{Key: t.Key, Role: t.Role}
		if t.Packages != "" {
			entry.Packages = []string{t.Packages}
		}
		store.Keys = append(store.Keys, entry)
	}
	if err := store.save(); err != nil {
		k.Fatal(err)
	}
}

// installFleets puts what the reader was handed by fleets where the command keeps
// it, in place of what an earlier case left there.
func (k *kitUser) installFleets() {
	k.Helper()
	dir := filepath.Join(k.home, keyringFolder)
	if err := os.RemoveAll(dir); err != nil {
		k.Fatal(err)
	}
	for _, data := range k.Fleets {
		id, ok := kitFleetOf(k.T, k.Case, data)
		if !ok {
			continue // whoever installs it is told that it is somebody else's
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			k.Fatal(err)
		}
		k.write(filepath.Join(dir, id.String()+keyringSuffix), data)
	}
}

// kitFleetOf returns whose bundle it is, and whether it says anything of the
// case's identities.
func kitFleetOf(t *testing.T, c *kit.Case, data []byte) (tgspcrypto.FleetID, bool) {
	t.Helper()
	bundle, err := fleet.ParseBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	var ids []*tgspcrypto.Identity
	for _, line := range c.Identities {
		id, err := tgspcrypto.ParseIdentity(line)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	_, err = bundle.Keyring(ids)
	if err != nil && !errors.As(err, new(*fleet.MemberError)) {
		t.Fatal(err)
	}
	return bundle.File.ID(), err == nil
}

func (k *kitUser) write(name string, data []byte) {
	k.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		k.Fatal(err)
	}
}

func (k *kitUser) copy() string {
	k.Helper()
	name := filepath.Join(k.dir, "case.tgsp")
	k.write(name, k.Package)
	return name
}

// tgsp runs the command in this process.
func (k *kitUser) tgsp(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := &app{stdout: &out, stderr: &errs}
	root := newRootCommand(a)
	root.SetArgs(args)
	code = a.report(root.ExecuteContext(context.Background()))
	return code, out.String(), errs.String()
}

// want runs a verb, which must end with the outcome's exit code; a refusal says
// so in words and shows nothing else.
func (k *kitUser) want(outcome kit.Outcome, args ...string) string {
	k.Helper()
	args = slices.Insert(slices.Clone(args), verbWords(args), k.flags...)
	code, stdout, stderr := k.tgsp(args...)
	if code != kitCode(outcome) {
		k.Errorf("%s: exit %d, want %d (%s): %s", args[0], code, kitCode(outcome), outcome, stderr)
	}
	if outcome != kit.OK && (stderr == "" || stdout != "" && args[0] != "cat") {
		k.Errorf("%s: refused with %q, and shown: %q", args[0], stderr, stdout)
	}
	return stdout
}

// verbWords is how many of the arguments name the verb.
func verbWords(args []string) int {
	if args[0] == "recipients" {
		return 2
	}
	return 1
}

func kitCode(o kit.Outcome) int {
	if o == kit.OK {
		return 0
	}
	for _, f := range []failure{failMalformed, failSignature, failUntrusted, failAltered, failNoKey, failFleet, failTime, failUnfinished} {
		if f.Kind == string(o) {
			return f.Code
		}
	}
	return -1
}

// cat writes every file, which may give no more than the case states.
func (k *kitUser) cat(pkg string) {
	k.Helper()
	if k.Open != kit.OK {
		if out := k.want(k.Open, append([]string{"cat", pkg, "config.json"}, k.identity...)...); out != "" {
			k.Errorf("cat: refused, and gave %d bytes", len(out))
		}
		return
	}
	all := sha256.New()
	for _, f := range k.Files {
		out := k.want(f.Outcome, slices.Concat([]string{"cat"}, k.identity, []string{"--", pkg, f.Path})...)
		k.compare(f, []byte(out), all)
	}
	if [sha256.Size]byte(all.Sum(nil)) != k.Released {
		k.Error("the plaintext that came out is not the one that may")
	}
}

func (k *kitUser) compare(f kit.File, data []byte, all hash.Hash) {
	k.Helper()
	all.Write(data)
	if int64(len(data)) != f.Length || sha256.Sum256(data) != f.SHA256 {
		k.Errorf("%s gave %d bytes, want %d", f.Path, len(data), f.Length)
	}
}

// extract leaves all files or nothing.
func (k *kitUser) extract(pkg string) {
	k.Helper()
	out := filepath.Join(k.dir, "out")
	k.want(k.Extract, append([]string{"extract", "--json", pkg, out}, k.identity...)...)
	if k.Extract != kit.OK {
		left, err := filepath.Glob(filepath.Join(k.dir, "*out*"))
		if hidden, _ := filepath.Glob(filepath.Join(k.dir, ".*")); err != nil || len(left)+len(hidden) > 0 {
			k.Errorf("extract: refused, and left %v %v", left, hidden)
		}
		return
	}
	for _, f := range k.Files {
		data, err := os.ReadFile(filepath.Join(out, filepath.FromSlash(f.Path)))
		if err != nil {
			k.Error(err)
		}
		k.compare(f, data, sha256.New())
	}
}

// changes asks a trusted key to sign the envelope anew. What a reader would
// refuse it must not sign, and leave as it is.
func (k *kitUser) changes() {
	k.Helper()
	sign := []string{"--sign-key", k.authorKey}
	someone := k.stranger()
	k.change(k.Change, append(append([]string{"recipients", "add", k.copy(), someone}, sign...), k.identity...)...)
	k.change(k.Repair, "recipients", "repair", k.copy())
	if k.Public != kit.OK {
		k.change(k.Public, append([]string{"sign", k.copy()}, sign...)...)
	}
	if k.Change != kit.OK && k.Public != kit.OK {
		k.change(k.Change, append(append([]string{"renew", k.copy(), "--version", "9.9.9", "-r", someone}, sign...), k.identity...)...)
	}
	if k.Change != kit.OK && k.Public != kit.OK && k.Public != kit.Fleet { // which removing a recipient may mend
		k.change(k.Change, append([]string{"recipients", "remove", k.copy(), "00000000"}, sign...)...)
	}
}

func (k *kitUser) change(outcome kit.Outcome, args ...string) {
	k.Helper()
	k.want(outcome, args...)
	after, err := os.ReadFile(filepath.Join(k.dir, "case.tgsp"))
	if err != nil {
		k.Fatal(err)
	}
	if outcome != kit.OK && !bytes.Equal(after, k.Package) {
		k.Errorf("%v: refused, and the package was changed", args[:2])
	}
}

// stranger is a recipient whom no package of the kit knows.
func (k *kitUser) stranger() string {
	k.Helper()
	code, out, stderr := k.tgsp("keygen", "identity", "-o", filepath.Join(k.dir, "stranger.key"))
	if code != 0 {
		k.Fatal(stderr)
	}
	return string(bytes.TrimSpace([]byte(out)))
}
