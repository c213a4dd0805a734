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
// holds. Both are left as they were where the system can do that, and the bytes are
// right where it cannot.
func TestUncachedFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "weights")
	want := randomFiles(map[string]int{"weights": 3<<20 + 77})["weights"]
	check(t, os.WriteFile(name, want, 0o600))
	for _, cached := range []bool{false, true} {
		f, err := os.Open(name)
		check(t, err)
		check(t, unix.Fsync(int(f.Fd())))
		if cached {
			_, err = io.Copy(io.Discard, f)
		} else {
			err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		check(t, err)
		before, all := residentPages(t, f)
		u := &uncachedFile{file: f}
		got, err := io.ReadAll(u)
		check(t, err)
		if !bytes.Equal(got, want) {
			t.Error("other bytes than the file's")
		}
		after, _ := residentPages(t, f)
		t.Logf("%d pages of %d were cached before, %d after; without support: %v", before, all, after, u.not)
		if !u.not && (after > before || cached && after < all) {
			t.Errorf("%d pages of %d were cached before, %d after", before, all, after)
		}
		check(t, f.Close())
	}
	plain, err := os.Open(name)
	check(t, err)
	defer plain.Close() // only read
	if got, err := io.ReadAll(&uncachedFile{file: plain, not: true}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("without support: %d bytes, %v", len(got), err)
	}
}
