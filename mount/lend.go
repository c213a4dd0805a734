// SPDX-License-Identifier: Apache-2.0

package mount

// Lender is what a file may be besides an io.ReaderAt: one that has its bytes in
// memory and can spare the copy into the reply.
type Lender interface {
	// Lend returns n bytes from an offset on in pieces, which stay as they are until
	// done is called, or none where ReadAt has to give the bytes or an error.
	Lend(off int64, n int) (pieces [][]byte, done func())
}

// loan is a reply whose bytes are lent.
type loan struct {
	pieces [][]byte
	size   int
	done   func()
}

// lend returns a reply without a copy, or nil where the bytes have to be read.
func (h *openFile) lend(off int64, size int) *loan {
	lender, ok := h.at.(Lender)
	if !ok || h.item.tree.ahead.Load().tracking(h) {
		return nil
	}
	if pieces, done := lender.Lend(off, size); pieces != nil {
		return &loan{pieces, size, done}
	}
	return nil
}
