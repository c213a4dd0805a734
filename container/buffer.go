// SPDX-License-Identifier: Apache-2.0

package container

import "unsafe"

// hugePage is the size of the pages that processors offer for large areas.
const hugePage = 2 << 20

// alignedBuffer returns n zero bytes, up to a megabyte or two, that start on a
// page. A large buffer it has in a huge page where it can: reads past the page
// cache then pin and hand one page to the device instead of hundreds. A small
// one would pay more for the page than it gains.
func alignedBuffer(n int) []byte {
	if n <= hugePage/2 {
		return alignedTo(pageSize, n)[:n:n]
	}
	size := int(roundUp(int64(n), hugePage))
	b := alignedTo(hugePage, size)
	adviseHuge(b)
	return b[:n:n]
}

// alignedTo returns n zero bytes at a multiple of step.
func alignedTo(step uintptr, n int) []byte {
	b := make([]byte, n+int(step))                               // untouched, the surplus takes no memory
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b))) % step //nolint:gosec // an address is looked at, not used
	if start > 0 {
		b = b[step-start:]
	}
	return b[:n]
}

// spareBuffer is alignedBuffer with ordinary pages, of which only those that are
// used take memory.
func spareBuffer(n int) []byte { return alignedTo(pageSize, n)[:n:n] }
