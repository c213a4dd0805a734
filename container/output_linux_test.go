// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestReserveWithoutAllocation makes room in a file system that allocates none in
// advance, as some on networks do.
func TestReserveWithoutAllocation(t *testing.T) {
	f, err := os.OpenFile("/proc/self/comm", os.O_RDWR, 0)
	check(t, err)
	defer f.Close() // nothing was written
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 10); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Fatalf("this file is of no use for the test: %v", err)
	}
	check(t, (&tempFile{File: f}).reserve(10))
}

// TestNamedTempLiesBesideItsTarget makes the temporary file that file systems
// without unnamed files need: a rename out of another folder might be one into
// another file system.
func TestNamedTempLiesBesideItsTarget(t *testing.T) {
	dir, here := t.TempDir(), t.TempDir()
	t.Chdir(here)
	for target, want := range map[string]string{filepath.Join(dir, "m.tgsp"): dir, "m.tgsp": here} {
		f, err := createNamedTemp(target)
		check(t, err)
		left, err := filepath.Glob(filepath.Join(want, ".m.tgsp.*.tmp"))
		if err != nil || len(left) != 1 {
			t.Errorf("%s: %v beside it, %v", target, left, err)
		}
		check(t, f.rename(target))
		check(t, f.Close())
		info, err := os.Stat(filepath.Join(want, "m.tgsp"))
		if err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", target, info, err)
		}
	}
}

// TestFailedRenameIsReported gives a temporary file the name of a folder.
func TestFailedRenameIsReported(t *testing.T) {
	dir := t.TempDir()
	for what, create := range map[string]func(string) (outputFile, error){"as the system does": createTemp, "named": createNamedTemp} {
		target := filepath.Join(dir, "m.tgsp")
		f, err := create(target)
		check(t, err)
		check(t, f.link(target))
		check(t, os.Mkdir(target, 0o700))
		if err := f.rename(target); err == nil {
			t.Errorf("%s: a folder was replaced", what)
		}
		f.remove()
		check(t, f.Close())
		check(t, os.Remove(target))
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", what, left, err)
		}
	}
}
