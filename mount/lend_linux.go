// SPDX-License-Identifier: Apache-2.0

package mount

import "github.com/hanwen/go-fuse/v2/fuse"

// Lender is what a file may be besides an io.ReaderAt: one that has its bytes in
// memory and can spare the copy into the reply.
type Lender interface {
	// Lend returns n bytes from an offset on in pieces, which stay as they are until
	// done is called, or none where ReadAt has to give the bytes or an error.
	Lend(off int64, n int) (pieces [][]byte, done func())
}

// loan is a reply whose bytes are lent. go-fuse hands the pieces to one writev.
type loan struct {
	pieces [][]byte
	size   int
	done   func()
}

// lend returns a reply without a copy, or nil where the bytes have to be read.
func (n *fileNode) lend(h *fileHandle, off int64, size int) *loan {
	lender, ok := h.at.(Lender)
	if !ok || n.item.tree.ahead.Load().tracking(n, h) {
		return nil
	}
	if pieces, done := lender.Lend(off, size); pieces != nil {
		return &loan{pieces, size, done}
	}
	return nil
}

func (l *loan) Slices() ([][]byte, fuse.Status) { return l.pieces, fuse.OK }
func (l *loan) Size() int                       { return l.size }
func (l *loan) Done()                           { l.done() }

// Bytes is for transports without vectors.
func (l *loan) Bytes(buf []byte) ([]byte, fuse.Status) {
	buf = buf[:0]
	for _, p := range l.pieces {
		buf = append(buf, p...)
	}
	return buf, fuse.OK
}
