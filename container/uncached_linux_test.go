// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// residentPages counts a file's pages that are in the page cache.
func residentPages(t *testing.T, f *os.File) (resident, all int) {
	t.Helper()
	n := int(fileSize(t, f))
	area, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ, unix.MAP_SHARED)
	check(t, err)
	defer func() { check(t, unix.Munmap(area)) }()
	in := make([]byte, (n+os.Getpagesize()-1)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&area[0])), uintptr(n), uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, b := range in {
		resident += int(b & 1)
	}
	return resident, len(in)
}

// TestUncachedFile reads a file that the page cache does not hold, and one that it
// holds a part of. Both are left as they were where the system says what is cached.
func TestUncachedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "weights")
	want := randomFiles(map[string]int{"weights": 2*dropStep + 77})["weights"]
	check(t, os.WriteFile(name, want, 0o600))
	for _, cached := range []int64{0, 5 << 20} {
		f, err := os.Open(name)
		check(t, err)
		defer f.Close() // only read
		check(t, unix.Fsync(int(f.Fd())))
		check(t, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
		_, err = io.CopyN(io.Discard, f, cached)
		check(t, err)
		before, all := residentPages(t, f)
		file, err := os.Open(name)
		check(t, err)
		u := newUncachedFile(file)
		got, err := io.ReadAll(io.LimitReader(u, int64(len(want))))
		check(t, err)
		if !bytes.Equal(got, want) {
			t.Error("other bytes than the file's")
		}
		during, _ := residentPages(t, f)
		check(t, u.Close())
		after, _ := residentPages(t, f)
		t.Logf("%d pages of %d were cached before, %d while it was open, %d after; they are given back: %t", before, all, during, after, u.drops)
		if u.drops && (cached > 0 || after > 0 || during > dropStep/os.Getpagesize()+all/4) {
			t.Errorf("%d pages of %d were cached before, %d while it was open, %d after", before, all, during, after)
		}
		if cached > 0 && after < before {
			t.Errorf("of %d pages that were cached before %d are left", before, after)
		}
	}
}
