// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

var mountRounds = flag.Int("mount.rounds", 20, "how often the test of rounds mounts and unmounts as each user")

// TestRoundsLeaveNothing runs `tgsp mount`, reads a file and runs `tgsp umount`,
// again and again, and then looks for what is left.
func TestRoundsLeaveNothing(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := tinyPackage(t, u)
		mnt := subfolder(t, u, filepath.Dir(pkg), "mnt")
		before := runFiles(t, u)
		for range *mountRounds {
			m, err := u.Mount(pkg, mnt)
			if err != nil {
				if m != nil {
					m.Kill()
				}
				t.Fatal(err)
			}
			r := rig.Collect(u.Exec("cat", filepath.Join(mnt, "config.json")))
			if r.Code != 0 || r.Stdout != "{}\n" {
				t.Error(r)
			}
			if err := m.Unmount(); err != nil {
				m.Kill()
				t.Fatal(err)
			}
		}
		waitForNoProcess(t, u)
		if list := must(rig.Mounts(mnt))(t); len(list) > 0 {
			t.Errorf("mounts are left: %q", list)
		}
		after := runFiles(t, u)
		t.Logf("%d rounds: %d files in %s before, %d after", *mountRounds, before, filepath.Join(u.Home(), "run"), after)
		if after != before {
			t.Errorf("%d files of state are left", after-before)
		}
	})
}

// runFiles counts the states and logs of mounts in the user's home.
func runFiles(t *testing.T, u *rig.User) int {
	t.Helper()
	files, err := os.ReadDir(filepath.Join(u.Home(), "run"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(files)
}
