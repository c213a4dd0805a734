// SPDX-License-Identifier: Apache-2.0

package mount

import "os"

// What a mount may use to decrypt ahead: buffers of a job, and pages that the kernel
// was not given.
const (
	maxBuffers = 16
	maxFirsts  = 256
)

var pageSize = os.Getpagesize()

// buffers is the memory of what is decrypted ahead. It is used over and over:
// fresh pages cost more than decrypting does. It is guarded by ahead.mu.
type buffers struct {
	most   int // that there may ever be
	free   [][]byte
	made   int
	firsts [][]byte // pages that are free
	pages  [][]byte // all of them
}

// left reports whether get returns a buffer.
func (b *buffers) left() bool { return len(b.free) > 0 || b.made < b.most }

// get returns a buffer for a job, or nil.
func (b *buffers) get() []byte {
	if n := len(b.free); n > 0 {
		buf := b.free[n-1]
		b.free = b.free[:n-1]
		return buf
	}
	if !b.left() {
		return nil
	}
	b.made++
	return make([]byte, jobSize)
}

// put takes a buffer back, to keep or to wipe.
func (b *buffers) put(buf []byte, wipe bool) {
	if wipe {
		clear(buf)
		b.made--
		return
	}
	b.free = append(b.free, buf)
}

// page returns a copy of the page at the front of data, or nil.
func (b *buffers) page(data []byte) (first []byte) {
	n := len(b.firsts)
	switch {
	case len(data) < pageSize, n == 0 && len(b.pages) == maxFirsts:
		return nil
	case n == 0:
		first = make([]byte, pageSize)
		b.pages = append(b.pages, first)
	default:
		first = b.firsts[n-1]
		b.firsts = b.firsts[:n-1]
	}
	copy(first, data)
	return first
}

// putPage takes a page back, if there is one.
func (b *buffers) putPage(first *[]byte) {
	if *first != nil {
		b.firsts = append(b.firsts, *first)
		*first = nil
	}
}

// wipe overwrites all pages, and the buffers that nobody holds.
func (b *buffers) wipe() {
	for _, buf := range append(b.free, b.pages...) {
		clear(buf)
	}
	b.made -= len(b.free)
	b.free, b.firsts, b.pages = nil, nil, nil
}
