// SPDX-License-Identifier: Apache-2.0

package container

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestAligned has reads that can go past the cache and some that miss it by a byte.
func TestAligned(t *testing.T) {
	b := spareBuffer(4 * directAlign)
	for what, c := range map[string]struct {
		p    []byte
		off  int64
		want bool
	}{
		"a page": {b[:directAlign], 0, true}, "three, further on": {b[directAlign:], 5 * directAlign, true}, "nothing": {b[:0], 0, false}, "one byte": {b[:1], 0, false},
		"a byte less": {b[:directAlign-1], 0, false}, "a byte more": {b[:directAlign+1], 0, false}, "a sector": {b[:512], 0, false},
		"an odd offset": {b[:directAlign], 1, false}, "a sector's offset": {b[:directAlign], 512, false}, "an odd address": {b[1 : directAlign+1], 0, false},
	} {
		if got := aligned(c.p, c.off); got != c.want {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// TestBuffersStartOnPages asks for buffers of all sizes, and keeps them so that
// each has its own place.
func TestBuffersStartOnPages(t *testing.T) {
	var kept [][]byte
	for _, n := range []int{1, 100, pageSize - 1, pageSize, pageSize + 1, 70_000, hugePage / 2, hugePage/2 + 1, hugePage, hugePage + 1} {
		for range 20 {
			for i, b := range append(alignedBuffers(3, n), spareBuffer(n)) {
				if len(b) != n || cap(b) != n || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%pageSize != 0 || !allZero(b) {
					t.Fatalf("number %d, of %d bytes: %d at %p, with room for %d", i, n, len(b), b, cap(b))
				}
				b[0], b[n-1] = 1, 1 // no other one has this place
				if kept = append(kept, b); n > pageSize {
					kept = kept[:0]
				}
			}
		}
	}
}

// TestDirectIO makes sure that a package on disk is read past the page cache where
// the file system allows it, and that readers are told which.
func TestDirectIO(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, nil)
	fd, err := unix.Open(x.name, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	allowed := err == nil
	if allowed {
		check(t, unix.Close(fd))
	}
	f, err := OpenFile(x.name)
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	if r.DirectIO() != allowed {
		t.Errorf("direct I/O is used: %v, and the file system allows it: %v", r.DirectIO(), allowed)
	}
	check(t, r.Close())
	inMemory, err := x.open(x.bytes(t))
	check(t, err)
	if inMemory.DirectIO() {
		t.Error("memory is read past the page cache")
	}
}
