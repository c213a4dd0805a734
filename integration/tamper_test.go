// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// copyPackage gives a test a package of its own to damage.
func copyPackage(t *testing.T, u *rig.User, dir string) string {
	t.Helper()
	from, err := os.Open(samplePackage(t, u))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(dir, "copy.tgsp")
	to, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	return path
}

// flip inverts one bit of a file.
func flip(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 1)
	if _, err := f.ReadAt(b, offset); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b, offset); err != nil {
		t.Fatal(err)
	}
}

// TestAlteredByteUnderMount changes one byte of the payload beneath a live
// mount. The file that holds it fails to read, by calls and by mappings; all
// others stay whole; the log names the file and the place.
func TestAlteredByteUnderMount(t *testing.T) {
	u := caller(t)
	plain := sample(t)
	pkg := copyPackage(t, u, folder(t, u))
	m := mountForeground(t, u, pkg)
	// Weights fill all but the edges of the payload, so that three fifths lie in one of the shards.
	flip(t, pkg, must(os.Stat(pkg))(t).Size()*3/5)

	c := compare(t, u, plain.dir, m.Dir, 0)
	if len(c.Problems) != 1 || c.Problems[0].Errno != syscall.EIO {
		t.Fatalf("problems are %+v, want one file with %v", c.Problems, syscall.EIO)
	}
	bad := c.Problems[0].Path
	if c.Files != plain.files {
		t.Errorf("compared %d files, want %d", c.Files, plain.files)
	}
	offset := failingOffset(t, u, plain.dir, m.Dir, bad)
	var p probed
	child(t, u, &p, "probe", filepath.Join(m.Dir, bad), strconv.FormatInt(offset, 10))
	if p.Pread != syscall.EIO || !p.Fault {
		t.Errorf("at %d pread gives %v and a mapping faults: %v; want %v and true", offset, p.Pread, p.Fault, syscall.EIO)
	}
	if m.Exited() {
		t.Fatalf("the daemon ended: %s", m.Log())
	}
	line := logLine(t, m, bad)
	if !strings.Contains(strings.ToUpper(line), "ERROR") || !strings.ContainsAny(strings.ReplaceAll(line, bad, ""), "0123456789") {
		t.Errorf("the log tells neither error nor place: %s", line)
	}
	unmount(t, m)
	refused(t, u.Run("verify", pkg), 13)
}

// failingOffset finds a byte of the file that cannot be read.
func failingOffset(t *testing.T, u *rig.User, plain, mount, path string) int64 {
	t.Helper()
	size := must(os.Stat(filepath.Join(plain, path)))(t).Size()
	// Leaves are 64 KiB of plaintext, so that no failing one hides between the steps.
	var offsets []int64
	child(t, u, &offsets, "failing", filepath.Join(mount, path), strconv.FormatInt(size, 10), "65536")
	if len(offsets) == 0 {
		t.Fatalf("every step of %s can be read", path)
	}
	if len(offsets) > 32 {
		t.Errorf("%d steps of 64 KiB fail, want those of one request of 1 MiB at most: %v", len(offsets), offsets)
	}
	return offsets[0]
}

// logLine is the first line of the daemon's log that names the file.
func logLine(t *testing.T, m *rig.Mount, path string) string {
	t.Helper()
	for line := range strings.Lines(m.Log()) {
		if strings.Contains(line, path) {
			return line
		}
	}
	t.Fatalf("the log does not name %s: %s", path, m.Log())
	return ""
}

// TestPackageCutUnderMount shrinks the package beneath a live mount. What is
// gone cannot be read; nothing wrong is ever read; the daemon survives.
func TestPackageCutUnderMount(t *testing.T) {
	u := caller(t)
	plain := sample(t)
	pkg := copyPackage(t, u, folder(t, u))
	m := mountForeground(t, u, pkg)
	if err := os.Truncate(pkg, must(os.Stat(pkg))(t).Size()/2); err != nil {
		t.Fatal(err)
	}
	c := compare(t, u, plain.dir, m.Dir, 0)
	for _, p := range c.Problems {
		if p.Errno != syscall.EIO {
			t.Errorf("%s: %s, want %v", p.Path, p.What, syscall.EIO)
		}
	}
	if len(c.Problems) == 0 || len(c.Problems) == plain.files {
		t.Errorf("%d of %d files cannot be read, want some", len(c.Problems), plain.files)
	}
	if m.Exited() {
		t.Fatalf("the daemon ended: %s", m.Log())
	}
	if len(c.Problems) > 0 {
		logLine(t, m, c.Problems[0].Path)
	}
	unmount(t, m)
	refused(t, u.Run("verify", pkg), 10)
}

// TestPackageReplacedUnderMount puts another file in the package's place. The
// mount goes on with what it has opened.
func TestPackageReplacedUnderMount(t *testing.T) {
	u := caller(t)
	plain := sample(t)
	dir := folder(t, u)
	pkg := copyPackage(t, u, dir)
	m := mount(t, u, pkg)
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("not a package"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, pkg); err != nil {
		t.Fatal(err)
	}
	dropCaches(t)
	wantEqual(t, compare(t, u, plain.dir, m.Dir, 0), plain.files)
	unmount(t, m)
	refused(t, u.Run("mount", pkg, m.Dir), 10)
}
