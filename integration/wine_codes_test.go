// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"os"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsCodes provokes the exit codes; 15 is provoked beside fleets, 19 and 20 by those who
// change packages, and 130 takes a console.
func windowsCodes(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	stranger := u.other("stranger")
	u.model("model")
	u.does("pack", "model", "-o", "m.tgsp")
	u.does("verify", "m.tgsp")
	u.does("inspect", "m.tgsp", "--json")
	if r := u.does("version"); !strings.Contains(r.Stdout, "windows/amd64") {
		t.Error(r)
	}
	if r := u.does("scan", "."); !strings.Contains(r.Stdout, "m.tgsp") {
		t.Error(r)
	}
	u.refuses(1, []string{"verify", "missing.tgsp"}, "missing.tgsp")
	u.refuses(1, []string{"cat", "m.tgsp", "missing"}, `no file "missing"`)
	u.refuses(1, []string{"ls", "m.tgsp", "--audit-log", "syslog"}, "name a file")
	u.refuses(3, []string{"verify"}, "too few arguments")
	u.refuses(3, []string{"pack", "model"}, "-o")
	u.write("bad.tgsp", "no package")
	u.refuses(10, []string{"verify", "bad.tgsp"}, "bad.tgsp")
	u.refuses(10, []string{"extract", "bad.tgsp", "out"})
	u.write("bad.tgsp", u.read("m.tgsp")[:200_000])
	u.refuses(10, []string{"ls", "bad.tgsp"}, "cut off")
	u.does("keygen", "author", "-o", "other.key")
	u.refuses(11, []string{"verify", "m.tgsp", "--require-key", u.public("other.key")}, u.public("other.key"))
	stranger.refuses(12, []string{"verify", "m.tgsp"}, "tgsp trust add --role author tgsp-author:")
	u.refuses(12, []string{"ls", "m.tgsp", "--expect", "acme/model"}, "acme/model")
	altered := []byte(u.read("m.tgsp"))
	altered[len(altered)-1] ^= 1
	u.write("bad.tgsp", string(altered))
	u.refuses(13, []string{"verify", "bad.tgsp"}, "offset")
	u.refuses(13, []string{"extract", "bad.tgsp", "out"})
	u.refuses(13, []string{"verify", "bad.tgsp", "--json"}, `"kind":"altered"`)
	stranger.does("trust", "add", u.public("home/author.key"))
	stranger.refuses(14, []string{"ls", "m.tgsp"}, "recipients add")
	u.does("pack", "model", "-o", "late.tgsp", "--not-after", "2001-01-01T00:00:00Z")
	u.refuses(16, []string{"ls", "late.tgsp"}, "not_after")
	u.does("verify", "late.tgsp")
	u.refuses(16, []string{"verify", "late.tgsp", "--at", "now"})
	if err := os.Mkdir(u.path("mnt"), 0o755); err != nil {
		t.Fatal(err)
	}
	u.refuses(17, []string{"mount", "m.tgsp", "mnt"})
	u.does("pack", "model", "-o", "newer.tgsp", "--package-id", "model", "--version", "1.1.0")
	u.does("ls", "newer.tgsp")
	u.refuses(18, []string{"ls", "--no-rollback", "m.tgsp"}, "--allow-rollback")
	if left := u.left("home", "stranger", "model", "m.tgsp", "bad.tgsp", "late.tgsp", "newer.tgsp", "other.key", "mnt"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// windowsUnfinished ends a change that was cut off.
func windowsUnfinished(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	u.model("model")
	u.does("pack", "model", "-o", "m.tgsp")
	whole := u.read("m.tgsp")
	cut := []byte(whole)
	copy(cut[4096+64<<10:], "\xff\xff") // where the other slot begins
	u.write("m.tgsp", string(cut))
	u.refuses(19, []string{"verify", "m.tgsp"}, "tgsp recipients repair")
	u.does("ls", "m.tgsp")
	u.does("recipients", "repair", "m.tgsp")
	u.does("verify", "m.tgsp")
	if u.read("m.tgsp") != whole {
		t.Error("the repaired package is another one")
	}
}
