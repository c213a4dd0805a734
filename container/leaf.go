// SPDX-License-Identifier: Apache-2.0

package container

import (
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// leafRoom is what a leaf takes when it is read by whole pages, in bytes.
const leafRoom = LeafSize + 2*pageSize

// cachedLeaf is a leaf that was found to be what the author signed. Its chunks are
// decrypted in place when they are asked for: a page fault wants one of them.
type cachedLeaf struct {
	room   []byte // page-aligned
	cipher []byte // the leaf, in room
	number int64
	opened [leafChunks]bool
	failed [leafChunks]error
}

// copyFrom copies plaintext from an offset in the leaf's on, up to the leaf's end.
// It returns how much it copied and why it is less than that.
func (c *cachedLeaf) copyFrom(p *payloadReader, dst []byte, off int64) (int, error) {
	done := 0
	for done < len(dst) {
		at := off + int64(done)
		plain, err := c.chunk(p, at/tgspcrypto.ChunkSize)
		if err != nil {
			return done, err
		}
		n := copy(dst[done:], plain[min(at%tgspcrypto.ChunkSize, int64(len(plain))):])
		if n == 0 {
			break
		}
		done += n
	}
	return done, nil
}

// chunk returns the plaintext of one of the leaf's chunks, which is empty after
// the last one.
func (c *cachedLeaf) chunk(p *payloadReader, i int64) ([]byte, error) {
	chunk := c.place(i)
	if len(chunk) == 0 {
		return nil, nil
	}
	if !c.opened[i] {
		c.opened[i] = true // also where it fails: its bytes are gone then
		_, c.failed[i] = p.openChunk(chunk[:0], chunk, c.number*leafChunks+i)
	}
	if c.failed[i] != nil {
		return nil, c.failed[i]
	}
	return chunk[:len(chunk)-tgspcrypto.ChunkOverhead], nil
}

// place returns where one of the leaf's chunks lies.
func (c *cachedLeaf) place(i int64) []byte {
	size := int64(len(c.cipher))
	start := min(i*tgspcrypto.EncryptedChunkSize, size)
	return c.cipher[start:min(start+tgspcrypto.EncryptedChunkSize, size)]
}

// loadLeaf reads and checks one leaf.
func (p *payloadReader) loadLeaf(number int64) (*cachedLeaf, error) {
	off, length := p.layout.leafRange(number)
	leaf := p.leafRoom()
	leaf.number = number
	p.counters.loads.Add(1)
	err := func() (err error) {
		p.active.Add(1)
		defer p.active.Add(-1)
		if leaf.cipher, err = readPast(p.src, leaf.room, p.layout.payloadOffset()+off, length); err != nil {
			return err
		}
		p.counters.hashed.Add(length)
		return p.tree.check(number, leafDigest(p.hash, leaf.cipher))
	}()
	if err != nil {
		p.wipe(leaf)
		return nil, err
	}
	return leaf, nil
}

// leafRoom returns room for a leaf that nobody uses.
func (p *payloadReader) leafRoom() *cachedLeaf {
	select {
	case leaf := <-p.unused:
		return leaf
	default:
		return &cachedLeaf{room: p.rooms.get()}
	}
}

// wipe forgets a leaf, overwrites its plaintext and keeps the room for the next one.
func (p *payloadReader) wipe(leaf *cachedLeaf) {
	for i, opened := range leaf.opened {
		if opened {
			clear(leaf.place(int64(i)))
		}
	}
	*leaf = cachedLeaf{room: leaf.room}
	select {
	case p.unused <- leaf:
	default:
	}
}
