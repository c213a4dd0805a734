// SPDX-License-Identifier: Apache-2.0

package container

import (
	"sync"
	"unsafe"
)

// hugePage is the size of the pages that processors offer for large areas.
const hugePage = 2 << 20

// alignedBuffers returns count buffers of n zero bytes each that start on a page.
// Where they are large together they are in huge pages if that can be had: reads
// past the page cache then pin and hand one page to the device instead of hundreds.
// They lie side by side, so that no huge page is kept for half of it. A few small
// ones would pay more for the page than they gain.
func alignedBuffers(count, n int) [][]byte {
	step := int(roundUp(int64(n), pageSize))
	var area []byte
	if count*step <= hugePage/2 {
		area = alignedTo(pageSize, count*step)
	} else {
		area = alignedTo(hugePage, int(roundUp(int64(count*step), hugePage)))
		adviseHuge(area)
	}
	buffers := make([][]byte, count)
	for i := range buffers {
		buffers[i] = area[i*step : i*step+n : i*step+n]
	}
	return buffers
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

// spareBuffer returns one such buffer in ordinary pages, of which only those that
// are used take memory.
func spareBuffer(n int) []byte { return alignedTo(pageSize, n)[:n:n] }

// newBuffers hands out buffers that nobody has used before. It makes some at a
// time, see alignedBuffers, and not all that there may ever be.
type newBuffers struct {
	count, size int

	mu     sync.Mutex
	unused [][]byte
}

func (n *newBuffers) get() []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.unused) == 0 {
		n.unused = alignedBuffers(n.count, n.size)
	}
	b := n.unused[0]
	n.unused = n.unused[1:]
	return b
}
