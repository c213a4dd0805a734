// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// sumOf has the program hash a file in one of its models.
func (p *program) sumOf(t *testing.T, name string) string {
	t.Helper()
	return p.say(t, fmt.Sprintf(`sha256sum "$TGSP_MODEL/%s/config.json" 2>&1 | cut -d ' ' -f 1`, name))
}

// TestExecSeveral gives a program two packages, takes one of them away, and looks at
// what is left: the other one until the program ends, and nothing after it.
func TestExecSeveral(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		several(t, u, u.Command, 2)
	})
}

// TestExecSeveralWithoutNamespaces is the same where the system grants none.
func TestExecSeveralWithoutNamespaces(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		several(t, u, func(args ...string) *exec.Cmd { return confinedCommand(u, args...) }, 0)
	})
}

// several runs a program with two packages, of whose processes status calls so many
// private.
func several(t *testing.T, u *rig.User, command func(args ...string) *exec.Cmd, private int) {
	pkg := samplePackage(t, u)
	for _, killed := range []bool{false, true} {
		p := execShell(t, u, command("exec", "--at", "base="+pkg, "--at", "lora="+pkg, "--", "sh"))
		for _, name := range []string{"base", "lora"} {
			if got := p.sumOf(t, name); got != plainSum(t) {
				t.Errorf("the program reads %s in %s", got, name)
			}
		}
		if got := p.say(t, `echo $(ls "$TGSP_MODEL")`); got != "base lora" {
			t.Errorf("the program sees %q", got)
		}
		if pids := served(t, u); len(pids) != private {
			t.Errorf("status knows of processes %v", pids)
		}
		if killed {
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			p.cmd.Wait()
		}
		succeeds(t, u.Run("umount", "--revoke", filepath.Join(p.dir, "lora")))
		if got := p.say(t, `cat "$TGSP_MODEL/lora/config.json" 2>&1`); !strings.Contains(got, "ermission denied") && !strings.Contains(got, "o such file") {
			t.Errorf("after it was revoked: %q", got)
		}
		dropCaches(t)
		if got := p.sumOf(t, "base"); got != plainSum(t) {
			t.Errorf("the program reads %s when the other package is gone", got)
		}
		p.end(t)
		if err := rig.Until("the folders are gone", func() (bool, error) {
			_, err := os.Lstat(p.dir)
			return os.IsNotExist(err), nil
		}); err != nil {
			t.Error(err)
		}
		for _, log := range must(filepath.Glob(filepath.Join(u.Home(), "run", "*.log")))(t) {
			if err := os.Remove(log); err != nil { // it tells of the end
				t.Error(err)
			}
		}
		goneWith(t, u, p.dir)
	}
}
