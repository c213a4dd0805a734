// SPDX-License-Identifier: Apache-2.0

package container

import (
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// batchLeaves is how many leaves are moved together: 1 MiB of plaintext.
const batchLeaves = 16

const (
	batchPlaintext  = batchLeaves * leafPlaintext
	batchCiphertext = batchLeaves * LeafSize
)

// batch is a run of whole leaves on its way between plaintext and ciphertext.
type batch struct {
	leaf    int64   // number of the first leaf
	plain   []byte  // their plaintext
	cipher  []byte  // their ciphertext
	digests []Hash  // one for each leaf
	final   bool    // for seal: plain ends with the payload's last chunk
	pieces  []piece // for fileHashes: whose the plaintext is

	raw []byte // page-aligned room for ciphertext read past the cache
}

// newBatches returns up to n batches for a payload, as many and as large as it
// fills.
func newBatches(n int, l layout) []*batch {
	n = int(min(int64(n), (l.leaves()+batchLeaves-1)/batchLeaves))
	batches := make([]*batch, n)
	for i, raw := range alignedBuffers(n, batchRoom(l)) {
		batches[i] = &batch{
			// Less plaintext than ciphertext belongs to a payload.
			plain:   make([]byte, 0, min(batchPlaintext, l.payload)),
			cipher:  raw[:0],
			digests: make([]Hash, 0, batchLeaves),
			raw:     raw,
		}
	}
	return batches
}

// seal encrypts plain into cipher and hashes the leaves.
func (b *batch) seal(s *tgspcrypto.Stream, h LeafHash) {
	b.cipher, b.digests = b.raw[:0], b.digests[:0]
	chunk, rest := b.leaf*leafChunks, b.plain
	for len(rest) >= tgspcrypto.ChunkSize {
		b.cipher = s.SealChunk(b.cipher, rest[:tgspcrypto.ChunkSize], chunk)
		rest = rest[tgspcrypto.ChunkSize:]
		chunk++
	}
	if b.final { // the last chunk is short, and empty where nothing is left
		b.cipher = s.SealChunk(b.cipher, rest, chunk)
	}
	b.hash(h)
}

// hash sets the digests of the leaves in cipher.
func (b *batch) hash(h LeafHash) {
	b.digests = b.digests[:0]
	eachLeaf(h, b.cipher, func(_ []byte, digest Hash) error { //nolint:errcheck,gosec // there is none
		b.digests = append(b.digests, digest)
		return nil
	})
}

// open decrypts cipher into plain. A chunk that does not authenticate is the
// author's own fault, because its hash has to be right before anybody asks; the
// error says where in the package, whose payload starts at the given offset.
func (b *batch) open(s *tgspcrypto.Stream, payload int64) error {
	var err error
	b.plain = b.plain[:0]
	chunk := b.leaf * leafChunks
	for rest := b.cipher; len(rest) > 0; chunk++ {
		c := rest[:min(tgspcrypto.EncryptedChunkSize, len(rest))]
		if b.plain, err = s.OpenChunk(b.plain, c, chunk); err != nil {
			return chunkError(payload, chunk, err)
		}
		rest = rest[len(c):]
	}
	return nil
}

// read fills cipher with the leaves from b.leaf on, past the system's cache.
func (b *batch) read(src source, l layout) error {
	from, _ := l.leafRange(b.leaf)
	to := min(from+batchCiphertext, l.payload)
	var err error
	b.cipher, err = readPast(src, b.raw, l.payloadOffset()+from, to-from)
	return err
}

// batchRoom is what the ciphertext of up to a batch of a payload takes when it is
// read by whole pages, in bytes.
func batchRoom(l layout) int { return int(min(batchCiphertext, l.payload)) + 2*pageSize }

// readPast reads n bytes at an offset into a page-aligned buffer, by whole
// pages so that direct I/O is possible, and returns the part asked for.
func readPast(src source, buf []byte, off, n int64) ([]byte, error) {
	start := off / pageSize * pageSize
	skip := off - start
	got, err := src.readDirect(buf[:roundUp(skip+n, pageSize)], start)
	if int64(got) >= skip+n { // the last page of the file is seldom whole
		return buf[skip : skip+n], nil
	}
	return nil, shrunk(min(off, src.end()), err)
}
