// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsKeys makes keys where Windows keeps what programs know of a user. Wine has no
// access lists: it turns them into permissions, of which it gives the owner's to the
// owner's group as well. What it gives to others is what a list gives to everybody.
func windowsKeys(t *testing.T, w *rig.Wine) {
	u := &winUser{t, w, folder(t, plainUser()), ""}
	r := u.does("init")
	if !strings.Contains(r.Stdout, `\AppData\Roaming\tgsp\author.key`) {
		t.Error(r)
	}
	homes := must(filepath.Glob(w.Path("prefix/drive_c/users/*/AppData/Roaming/tgsp")))(t)
	if len(homes) != 1 {
		t.Fatalf("homes: %q", homes)
	}
	u.model("model")
	u.does("pack", "model", "-o", "m.tgsp")
	u.does("ls", "m.tgsp", "--audit-log", "audit.log")
	u.does("doctor", "--reset-clock")
	for _, name := range []string{".", "author.key", "identity.key", "trust.json", "state.json", "state.key", "state.lock", "state.log"} {
		ownerAlone(t, filepath.Join(homes[0], name))
	}
	ownerAlone(t, u.path("audit.log"))
	if mode := must(os.Stat(u.path("m.tgsp")))(t).Mode().Perm(); mode&0o004 == 0 {
		t.Errorf("a package, which is for everybody, has mode %o: Wine shows no difference", mode)
	}
	before := must(os.ReadFile(filepath.Join(homes[0], "author.key")))(t)
	if r := u.does("init"); strings.Count(r.Stdout, ", kept:") != 2 {
		t.Error(r)
	}
	if after := must(os.ReadFile(filepath.Join(homes[0], "author.key")))(t); string(before) != string(after) {
		t.Error("init has changed a key")
	}

	// Others may read it: that is found out, and what mends it is a command of Windows.
	if err := os.Chmod(filepath.Join(homes[0], "identity.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"ls", "m.tgsp"}, {"doctor"}} {
		r := u.does(args...)
		if said := r.Stdout + r.Stderr; !strings.Contains(said, "identity.key can be read by others") || !strings.Contains(said, "icacls C:") || strings.Contains(said, "chmod") {
			t.Error(r)
		}
	}
	if err := os.Chmod(filepath.Join(homes[0], "identity.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := u.does("ls", "m.tgsp"); r.Stderr != "" {
		t.Error(r)
	}

	// A key of its own, in a folder with a name of any kind.
	if err := os.Mkdir(u.path("Schlüssel und mehr"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := `Schlüssel und mehr\mein schlüssel.key`
	r = u.does("keygen", "identity", "-o", name)
	ownerAlone(t, u.path("Schlüssel und mehr/mein schlüssel.key"))
	if line := strings.TrimSpace(r.Stdout); !strings.HasPrefix(line, "tgsp-x25519:") || line != u.public("Schlüssel und mehr/mein schlüssel.key") {
		t.Error(r)
	}
	u.refuses(1, []string{"keygen", "identity", "-o", name}, "never overwritten")
	u.does("recipients", "add", "m.tgsp", strings.TrimSpace(r.Stdout))
	u.does("ls", "-i", name, "m.tgsp")
	u.does("ls", "--identity-command", `type "`+name+`"`, "m.tgsp")
	u.refuses(1, []string{"verify", "m.tgsp", "--report", `none\report.json`}, "make its folder first: mkdir none")
}

// ownerAlone fails the test where everybody may do anything with a file.
func ownerAlone(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Error(err)
	} else if mode := info.Mode().Perm(); mode&0o007 != 0 || info.Mode()&fs.ModeType&^fs.ModeDir != 0 {
		t.Errorf("%s has mode %o", name, mode)
	}
}
