// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/rig"
)

var memorySize = flag.Int64("memory.size", 512, "MiB of the larger package that is served with limited memory")

// leastMemory is the smallest limit that tgsp mount takes.
const leastMemory = "40MiB"

// TestMemoryLimit serves packages of two sizes with as little memory as can be had, as
// on a board with two processors: one program reads all of a file, and then many read
// it at once. The limit is the same for both sizes, because nothing that a daemon
// keeps grows with them.
func TestMemoryLimit(t *testing.T) {
	for _, size := range []int64{64, *memorySize} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			plain := filepath.Join(sparseModel(t, size<<20), "weights.bin")
			asEach(t, func(t *testing.T, u *rig.User) {
				pkg := filepath.Join(folder(t, u), "large.tgsp")
				succeeds(t, u.Run("pack", filepath.Dir(plain), "-o", pkg))
				serveLimited(t, u, pkg, plain, leastMemory)
			})
		})
	}
}

// serveLimited reads a package's one file in several ways, and looks at what that took.
func serveLimited(t *testing.T, u *rig.User, pkg, plain, limit string) {
	t.Helper()
	board := *u
	board.Env = append(board.Env, "GOMAXPROCS=2")
	m, err := board.Mount(pkg, subfolder(t, u, folder(t, u), "mnt"), "--memory-limit="+limit)
	guard(t, m, err)
	dropCaches(t)
	mounted := filepath.Join(m.Dir, "weights.bin")
	var c comparison
	child(t, u, &c, "same", plain, mounted)
	wantEqual(t, c, 0)
	dropCaches(t)
	var problems []string
	child(t, u, &problems, "stuck", plain, mounted)
	if len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	peak := must(rig.StatusBytes(m.PID, "VmHWM"))(t)
	t.Logf("limit %s: read %d MiB, peak of %d KiB resident", limit, c.Bytes>>20, peak>>10)
	if most := must(contest.ParseSize(limit))(t); peak > most {
		t.Errorf("the daemon took %d bytes of memory, want at most %d", peak, most)
	}
	unmount(t, m)
}

// TestTooLittleMemory names the least that works, with which it then does.
func TestTooLittleMemory(t *testing.T) {
	u := caller(t)
	pkg, dir := samplePackage(t, u), folder(t, u)
	refused(t, u.Run("mount", pkg, dir, "--memory-limit", "1MiB"), 3, "--memory-limit "+leastMemory)
	refused(t, u.Run("mount", pkg, dir, "-o", "memory_limit=much"), 3, "want a size")
	refused(t, u.Run("exec", "--memory-limit", "1MiB", pkg, "--", "true"), 125, "--memory-limit "+leastMemory)
	succeeds(t, u.Run("exec", "--memory-limit", leastMemory, pkg, "--", "cat", "{}/config.json"))
	succeeds(t, u.Run("mount", pkg, dir, "-o", "memory_limit="+leastMemory))
	succeeds(t, u.Run("umount", dir))
}
