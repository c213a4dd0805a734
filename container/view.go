// SPDX-License-Identifier: Apache-2.0

package container

import (
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// View is plaintext that is lent where it was decrypted: in place, in the buffer
// that its ciphertext was read into. Who only passes bytes on, as a mount does,
// moves half as much memory with it as with ReadFileAt.
type View struct {
	payload *payloadReader
	buf     *readBuffer
}

// ViewFileAt lends n bytes of a file from an offset on, checked as ReadFileAt
// checks them. That is only for what is whole leaves of 64 KiB of plaintext, 16 of
// them at most, and can be read: otherwise it returns nil, and ReadFileAt has the
// bytes or the reason. Whoever has views keeps others from reading until they are
// released.
func (r *Reader) ViewFileAt(file int, off int64, n int) *View {
	c := r.opened.Load()
	if c == nil || off < 0 || int64(n) > int64(c.index.Files[file].Size)-off { //nolint:gosec // bounded by extents
		return nil
	}
	at, count := c.starts[file]+off, int64(n)/leafPlaintext
	if at%leafPlaintext != 0 || n%leafPlaintext != 0 || count < 1 || count > batchLeaves {
		return nil
	}
	return c.payload.view(at/leafPlaintext, count)
}

func (p *payloadReader) view(leaf, count int64) *View {
	v := &View{p, p.buffers.get()}
	cipher, err := p.openBatch(v.buf, nil, leaf, count)
	if err != nil {
		v.Release()
		return nil
	}
	v.buf.pieces = v.buf.pieces[:0]
	for chunk := range count * leafChunks {
		start := chunk * tgspcrypto.EncryptedChunkSize
		v.buf.pieces = append(v.buf.pieces, cipher[start:][:tgspcrypto.ChunkSize])
	}
	return v
}

// Pieces returns the bytes, in order and each piece a chunk. Nobody may keep or
// change them.
func (v *View) Pieces() [][]byte { return v.buf.pieces }

// Release gives the buffer back. It must be called once, after the last use.
func (v *View) Release() { v.payload.buffers.put(v.buf) }
