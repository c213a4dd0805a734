// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsHeld changes packages that other programs have open. It is done or refused as
// busy, and then the package is what it was.
func windowsHeld(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	u.model("model")
	u.does("keygen", "identity", "-o", "friend.key")
	key := u.public("friend.key")
	for name, c := range map[string]struct {
		how  []string
		code int
	}{
		"as Go opens it":           {[]string{"open"}, 0},
		"a part of the contents":   {[]string{"lock", "200000", "4096"}, 0},
		"others may not write":     {[]string{"deny"}, 20},
		"a lock on both slots":     {[]string{"lock", "4096", "131072"}, 20},
		"a lock on one byte":       {[]string{"lock", "69632", "1"}, 20},
		"it is changed by another": {[]string{"change"}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for some seconds
			u := *u
			u.T = t
			pkg := strings.ReplaceAll(name, " ", "-") + ".tgsp"
			u.does("pack", "model", "-o", pkg)
			before := u.read(pkg)
			release := u.hold(pkg, c.how...)
			r := u.run("recipients", "add", pkg, key)
			if r.Code != c.code {
				t.Errorf("exit %d, want %d: %s", r.Code, c.code, r)
			}
			if c.code != 0 {
				refused(t, r, c.code, pkg, "try again")
				if u.read(pkg) != before {
					t.Error("the package was changed all the same")
				}
			}
			// Others read it meanwhile.
			u.does("verify", pkg)
			u.does("cat", pkg, "config.json")
			release()
			if c.code != 0 {
				u.does("recipients", "add", pkg, key)
			}
			u.does("verify", pkg)
			u.does("ls", "-i", "friend.key", pkg)
		})
	}
}

// windowsReplaced has programs that keep files open which are to be replaced: they stay
// what they were, and nothing else is left.
func windowsReplaced(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	u.model("model")
	u.does("pack", "model", "-o", "m.tgsp")
	before := u.read("m.tgsp")
	release := u.hold("m.tgsp", "open")
	u.refuses(20, []string{"pack", "model", "-o", "m.tgsp"}, "m.tgsp", "close the program")
	release()
	if u.read("m.tgsp") != before {
		t.Error("a package in use was replaced")
	}
	u.does("pack", "model", "-o", "m.tgsp")
	if u.read("m.tgsp") == before {
		t.Error("it was not replaced when it could have been")
	}

	u.does("keygen", "author", "-o", "other.key")
	trusted := u.read("home/trust.json")
	release = u.hold("home/trust.json", "open")
	u.refuses(20, []string{"trust", "add", u.public("other.key")}, "trust.json", "close the program")
	release()
	if u.read("home/trust.json") != trusted {
		t.Error("a file in use was replaced")
	}
	u.does("trust", "add", u.public("other.key"))
	if r := u.does("trust", "list"); !strings.Contains(r.Stdout, u.public("other.key")) {
		t.Error(r)
	}
	if left := u.left("home", "model", "m.tgsp", "other.key"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	home := *u
	home.dir = u.path("home")
	if left := home.left("author.key", "identity.key", "trust.json", "state.json", "state.key", "state.lock"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
