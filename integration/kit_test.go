// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/integration/rig"
)

// TestKitMounted mounts every package of the test kit. Those that are refused
// leave no mount and the exit code of their kind; of the others each file gives
// what its case states, or an input/output error.
func TestKitMounted(t *testing.T) {
	cases := must(kit.ReadAll("../container/testdata/kit"))(t)
	u := caller(t)
	user := *u
	user.Dir = folder(t, u)
	home := subfolder(t, u, user.Dir, "home")
	dir := subfolder(t, u, user.Dir, "mnt")
	mounted, refusals := 0, 0
	for _, c := range cases {
		// A daemon looks at the clock of this machine.
		if !c.IsPackage() || !c.At.Equal(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)) {
			continue
		}
		flags := kitFlags(t, home, c)
		installFleets(t, home, c)
		pkg := filepath.Join(user.Dir, "case.tgsp")
		writeFor(t, u, pkg, c.Package)
		if c.Open != kit.OK {
			refusals++
			r := user.Run(append([]string{"mount", pkg, dir}, flags...)...)
			refused(t, r, kitCodes[c.Open])
			if list := must(rig.Mounts(dir))(t); len(list) > 0 {
				t.Fatalf("%s: refused, and mounted: %s", c.ID, r)
			}
			continue
		}
		mounted++
		m, err := user.Mount(pkg, dir, flags...)
		m = guard(t, m, err)
		kitRead(t, u, m.Dir, c)
		unmount(t, m)
	}
	t.Logf("%d packages were mounted and %d refused", mounted, refusals)
}

// kitCodes are the exit codes of the outcomes.
var kitCodes = map[kit.Outcome]int{
	kit.Malformed: 10, kit.Signature: 11, kit.Untrusted: 12, kit.Altered: 13, kit.NoKey: 14, kit.Fleet: 15, kit.Time: 16, kit.Unfinished: 19,
}

// kitFlags prepares the home of a case's reader and returns the flags of mount.
func kitFlags(t *testing.T, home string, c *kit.Case) []string {
	t.Helper()
	type entry struct {
		Key      string   `json:"key"`
		Role     string   `json:"role"`
		Packages []string `json:"packages,omitempty"`
	}
	store := struct {
		Keys []entry `json:"keys"`
	}{[]entry{}}
	for _, k := range c.Trusted {
		e := entry{Key: k.Key, Role: k.Role}
		if k.Packages != "" {
			e.Packages = []string{k.Packages}
		}
		store.Keys = append(store.Keys, e)
	}
	data := must(json.Marshal(store))(t)
	writeFor(t, caller(t), filepath.Join(home, "trust.json"), data)
	var flags []string
	for i, line := range c.Identities {
		name := filepath.Join(home, string(rune('a'+i))+".key")
		writeFor(t, caller(t), name, []byte(line))
		flags = append(flags, "-i", name)
	}
	if c.Require != "" {
		flags = append(flags, "--require-key", c.Require)
	}
	if c.Expect != "" {
		flags = append(flags, "--expect", c.Expect)
	}
	return flags
}

// installFleets puts what a case's reader was handed by fleets where the command
// keeps it, in place of what an earlier case left there.
func installFleets(t *testing.T, home string, c *kit.Case) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(home, "keyrings")); err != nil {
		t.Fatal(err)
	}
	var ids []*tgspcrypto.Identity
	for _, line := range c.Identities {
		ids = append(ids, must(tgspcrypto.ParseIdentity(line))(t))
	}
	dir := ""
	for _, data := range c.Fleets {
		b := must(fleet.ParseBundle(data))(t)
		if _, err := b.Keyring(ids); errors.As(err, new(*fleet.MemberError)) {
			continue // whoever installs it is told that it is somebody else's
		} else if err != nil {
			t.Fatal(err)
		}
		if dir == "" {
			dir = subfolder(t, caller(t), home, "keyrings")
		}
		writeFor(t, caller(t), filepath.Join(dir, b.File.ID().String()+".bundle"), data)
	}
}

// writeFor writes a file that belongs to the user.
func writeFor(t *testing.T, u *rig.User, name string, data []byte) {
	t.Helper()
	err := os.WriteFile(name, data, 0o600)
	if err == nil && u.Cred != nil {
		err = os.Chown(name, int(u.Cred.Uid), int(u.Cred.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// kitRead compares every file of a mount with what the case states. The kernel
// asks for several leaves at once, so a file with a wrong leaf may give less.
func kitRead(t *testing.T, u *rig.User, dir string, c *kit.Case) {
	t.Helper()
	paths := make([]string, len(c.Files))
	for i, f := range c.Files {
		paths[i] = filepath.Join(dir, filepath.FromSlash(f.Path))
	}
	var got []wholeRead
	child(t, u, &got, "whole", paths...)
	for i, f := range c.Files {
		g := got[i]
		switch {
		case f.Outcome == kit.OK && (g.Errno != 0 || g.Length != f.Length || !slices.Equal(g.SHA256, f.SHA256[:])):
			t.Errorf("%s: %s gave %d bytes and %v, want %d bytes", c.ID, f.Path, g.Length, g.Errno, f.Length)
		case f.Outcome != kit.OK && (g.Errno != syscall.EIO || g.Length > f.Length):
			t.Errorf("%s: %s gave %d bytes and %v, want at most %d and %v", c.ID, f.Path, g.Length, g.Errno, f.Length, syscall.EIO)
		case g.Length == f.Length && !slices.Equal(g.SHA256, f.SHA256[:]):
			t.Errorf("%s: %s gave bytes that its author did not sign", c.ID, f.Path)
		}
	}
}

// wholeRead is what reading one file to its end or its first error gave.
type wholeRead struct {
	Length int64
	SHA256 []byte
	Errno  syscall.Errno
}

// readWhole is the role "whole FILE…".
func readWhole(args []string) (any, error) {
	all := []wholeRead{}
	for _, name := range args {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		h := sha256.New()
		var r wholeRead
		r.Length, err = io.Copy(h, f)
		r.SHA256 = h.Sum(nil)
		if err != nil && !errors.As(err, &r.Errno) {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
