// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// writeOver writes bytes over a file's own, in place.
func writeOver(pkg string, data []byte, at int64) error {
	f, err := os.OpenFile(pkg, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, at)
	return errors.Join(err, f.Close())
}

// groundChanges are what can happen to a package beneath its mount, with the
// files that can be read no more, and how many lines of the log tell of it.
var groundChanges = []struct {
	name    string
	cold    bool // nothing was read before: what the daemon has checked and kept stays right
	change  func(t *testing.T, u *rig.User, pkg string, p places) error
	refused string
	lines   int
}{
	{"cut short", false, func(_ *testing.T, _ *rig.User, pkg string, p places) error {
		return os.Truncate(pkg, p.at("far.bin", 15<<20)+100)
	}, "far.bin near.bin", 2},
	{"cut short and lengthened again", false, func(_ *testing.T, _ *rig.User, pkg string, p places) error {
		return errors.Join(os.Truncate(pkg, p.size-leafSealed), os.Truncate(pkg, p.size))
	}, "near.bin", 2},
	{"zeros over a leaf", false, func(_ *testing.T, _ *rig.User, pkg string, p places) error {
		return writeOver(pkg, make([]byte, leafSealed), p.at("far.bin", 5<<20))
	}, "far.bin", 1},
	{"a bit of the payload", false, func(t *testing.T, _ *rig.User, pkg string, p places) error {
		flip(t, pkg, p.at("near.bin", 3<<20)+17_000)
		return nil
	}, "near.bin", 1},
	{"a bit of the tree", true, func(t *testing.T, _ *rig.User, pkg string, p places) error {
		flip(t, pkg, p.tree+3*hashSize) // of the first tile
		return nil
	}, "config.json far.bin sub/tokens", 3},
	{"a genuine package of the same files", true, func(t *testing.T, u *rig.User, pkg string, _ places) error {
		return writeOver(pkg, must(os.ReadFile(otherGround(t, u)))(t), 0)
	}, "config.json far.bin near.bin sub/tokens", 5},
	{"replaced by another package", false, func(t *testing.T, u *rig.User, pkg string, _ places) error {
		return os.Rename(otherGround(t, u), pkg)
	}, "", 0},
	{"unlinked", false, func(_ *testing.T, _ *rig.User, pkg string, _ places) error {
		return os.Remove(pkg)
	}, "", 0},
}

// otherGround is another package of the same files.
func otherGround(t *testing.T, u *rig.User) string {
	t.Helper()
	pkg := filepath.Join(folder(t, u), "other.tgsp")
	if err := packGround(u, pkg); err != nil {
		t.Fatal(err)
	}
	return pkg
}

// TestGroundChanges changes the package beneath its mount in every way. Readers
// get the right bytes or an error, however they read, and the log says once
// what is wrong.
func TestGroundChanges(t *testing.T) {
	u := caller(t)
	for _, c := range groundChanges {
		t.Run(c.name, func(t *testing.T) {
			pkg := groundPackage(t, u)
			p := findPlaces(t, pkg)
			m := mountForeground(t, u, pkg)
			warm := !c.cold && os.Getuid() == 0 // who can take away again what the kernel then has
			if warm {
				nothingWrong(t, u, m, "pread")
			}
			if err := c.change(t, u, pkg, p); err != nil {
				t.Fatal(err)
			}
			if warm {
				nothingWrong(t, u, m, "mmap")
			}
			bad := strings.Fields(c.refused)
			for _, way := range []string{"O_DIRECT", "mmap", "pread"} {
				dropCaches(t)
				wantSwept(t, u, m, way, bad...)
			}
			if len(bad) > 0 {
				wantLines(t, m, bad, c.lines)
			}
			unmount(t, m)
		})
	}
}

// nothingWrong reads everything in one way: no byte may be wrong.
func nothingWrong(t *testing.T, u *rig.User, m *rig.Mount, way string) swept {
	t.Helper()
	var s swept
	child(t, u, &s, "sweep", way, ground(t).dir, m.Dir)
	for _, w := range s.Wrong {
		t.Errorf("wrong bytes by %s: %s", way, w)
	}
	if m.Exited() {
		t.Fatalf("the daemon ended: %s", m.Log())
	}
	return s
}

// wantSwept also wants leaves of the named files refused, and of no others.
func wantSwept(t *testing.T, u *rig.User, m *rig.Mount, way string, refused ...string) {
	t.Helper()
	s := nothingWrong(t, u, m, way)
	if got := slices.Sorted(maps.Keys(s.Refused)); !slices.Equal(got, refused) {
		t.Errorf("%s: %d leaves are right, and those of %v refused, want %q", way, s.Right, s.Refused, refused)
	}
}

// wantLines checks that the log tells of the files that cannot be read and of no others.
func wantLines(t *testing.T, m *rig.Mount, files []string, most int) {
	t.Helper()
	lines := 0
	found := refusals(t, m)
	for _, file := range files {
		lines += len(found[file])
		if len(found[file]) == 0 {
			t.Errorf("the log does not tell of %s: %q", file, found)
		}
	}
	if lines > most || len(found) != len(files) {
		t.Errorf("%d lines in the log, want at most %d: %q", lines, most, found)
	}
}

// TestFailingReadsLeaveNothing makes thousands of reads fail and looks at what
// the daemon has in its hands afterwards.
func TestFailingReadsLeaveNothing(t *testing.T) {
	needRoot(t) // to look into a process that hides itself
	u := caller(t)
	pkg := groundPackage(t, u)
	m := mountForeground(t, u, pkg)
	if err := writeOver(pkg, make([]byte, 17<<20), findPlaces(t, pkg).at("far.bin", 0)); err != nil {
		t.Fatal(err)
	}
	const reads = 8 << 20 / 4096
	fail := func() (files, threads int) {
		var offsets []int64
		child(t, u, &offsets, "failing", filepath.Join(m.Dir, "far.bin"), strconv.Itoa(reads*4096), "4096")
		if len(offsets) != reads {
			t.Fatalf("%d reads fail, want all %d", len(offsets), reads)
		}
		n := must(parseUint(must(rig.StatusField(m.PID, "Threads"))(t)))(t)
		return len(must(os.ReadDir(fmt.Sprintf("/proc/%d/fd", m.PID)))(t)), int(n)
	}
	files, threads := fail()
	for range 3 {
		// The runtime may want another thread at any time, not one for each read.
		if nowFiles, nowThreads := fail(); nowFiles > files || nowThreads > threads+16 {
			t.Errorf("%d descriptors and %d threads became %d and %d", files, threads, nowFiles, nowThreads)
		}
	}
	if peak := must(rig.StatusBytes(m.PID, "VmHWM"))(t); peak > daemonMemory {
		t.Errorf("the daemon took %d MiB of memory, want at most %d", peak>>20, daemonMemory>>20)
	}
	unmount(t, m)
}

// TestForegroundEndsThoughStorageIsGone ends a mount by a signal when its
// package's storage is no more: it says nothing of that and ends as ever.
func TestForegroundEndsThoughStorageIsGone(t *testing.T) {
	u := caller(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s, m, _ := onStorage(t, u)
		s.kill(t)
		code, err := m.Signal(signal)
		if err != nil || code != 0 || strings.Contains(m.Log(), "tgsp: ") {
			t.Errorf("%v: exit %d, %v: %s", signal, code, err, m.Log())
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	}
}
