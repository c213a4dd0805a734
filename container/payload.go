// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// cachedLeaves is how many leaves are kept for reads of parts of a leaf, some 4
// MiB. Large sequential reads cover whole leaves and do not use them.
const cachedLeaves = 64

// payloadReader gives plaintext at any offset of the payload. Every leaf is
// checked against the signed tree before its chunks are opened.
type payloadReader struct {
	src     source
	layout  layout
	hash    LeafHash
	stream  *tgspcrypto.Stream
	tree    *treeReader
	buffers *readBuffers // bound memory
	active  atomic.Int32
	cache   *slotCache[*cachedLeaf] // by number
	rooms   newBuffers              // for leaves
	unused  chan *cachedLeaf        // rooms that were used

	counters readCounters
}

func newPayloadReader(src source, l layout, m *Manifest, s *tgspcrypto.Stream) *payloadReader {
	p := &payloadReader{
		src: src, layout: l, hash: m.LeafHash, stream: s,
		tree:    newTreeReader(src, l, m.ContentHash),
		buffers: newReadBuffers(max(minReadBuffers, 2*processors), batchRoom(l)),
		unused:  make(chan *cachedLeaf, minReadBuffers),
	}
	leaves := min(cachedLeaves, l.leaves())
	p.rooms.size = int(min(leafRoom, l.payload+2*pageSize))
	p.rooms.count = int(min(leaves+1, int64(hugePage/p.rooms.size)))
	p.cache = newSlotCache(leaves, p.wipe)
	return p
}

// readAt fills dst with plaintext from off on; the range must lie inside the
// payload. It returns how many bytes at the front of dst are right.
func (p *payloadReader) readAt(dst []byte, off int64) (int, error) {
	done := 0
	for done < len(dst) {
		n, err := p.readSome(dst[done:], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// readSome reads up to the end of the current leaf through the cache, or as
// many whole leaves at once as a buffer holds.
func (p *payloadReader) readSome(dst []byte, off int64) (int, error) {
	leaf, skip := off/leafPlaintext, off%leafPlaintext
	whole := int64(len(dst)) / leafPlaintext
	if skip == 0 && whole > 0 {
		n := min(whole, batchLeaves)
		return p.readLeaves(dst[:n*leafPlaintext], leaf)
	}
	return p.readCached(dst, leaf, skip)
}

func (p *payloadReader) readCached(dst []byte, leaf, skip int64) (n int, err error) {
	var fault error
	p.counters.lookups.Add(1)
	if err = p.cache.with(leaf, p.loadLeaf, func(c *cachedLeaf) { n, fault = c.copyFrom(p, dst, skip) }); err == nil {
		err = fault
	}
	return n, err
}

// readLeaves fills dst with the plaintext of whole leaves, the payload's last
// one shorter. Where that fails it goes leaf by leaf, to give what is right
// before the first leaf that is not, and an error that names that one.
func (p *payloadReader) readLeaves(dst []byte, leaf int64) (int, error) {
	err := p.readBatch(dst, leaf)
	if err == nil {
		return len(dst), nil
	}
	if len(dst) <= leafPlaintext {
		return 0, err
	}
	done := 0
	for done < len(dst) {
		d := dst[done:min(done+leafPlaintext, len(dst))]
		if err := p.readBatch(d, leaf+int64(done/leafPlaintext)); err != nil {
			return done, err
		}
		done += len(d)
	}
	return done, nil
}

// readBatch reads, checks and decrypts leaves that fit into a buffer. Nothing
// of a leaf is written to dst before its hash was right.
func (p *payloadReader) readBatch(dst []byte, leaf int64) error {
	buf := p.buffers.get()
	defer p.buffers.put(buf)
	count := max(1, (int64(len(dst))+leafPlaintext-1)/leafPlaintext)
	_, err := p.openBatch(buf, dst, leaf, count)
	return err
}

// openBatch reads leaves into a buffer, checks them and decrypts them into dst, or
// in place where there is none. It returns where the leaves lie.
func (p *payloadReader) openBatch(buf *readBuffer, dst []byte, leaf, count int64) ([]byte, error) {
	p.active.Add(1)
	defer p.active.Add(-1)
	from, _ := p.layout.leafRange(leaf)
	last, length := p.layout.leafRange(leaf + count - 1)
	cipher, err := readPast(p.src, buf.data, p.layout.payloadOffset()+from, last+length-from)
	if err == nil {
		p.counters.hashed.Add(int64(len(cipher)))
		err = p.openLeaves(dst, cipher, leaf)
	}
	return cipher, err
}

// openLeaves checks and decrypts leaves, on several processors where there is
// work enough for them and nobody else uses them: a single reader waits for one
// request at a time.
func (p *payloadReader) openLeaves(dst, cipher []byte, leaf int64) error {
	count := (len(cipher) + LeafSize - 1) / LeafSize
	parts := min(count/worthSharing(p.hash), processors-int(p.active.Load())+1)
	if parts < 2 {
		return p.openRun(dst, cipher, leaf)
	}
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		lo, hi := count*i/parts, count*(i+1)/parts
		run := func() {
			var d []byte
			if dst != nil {
				d = dst[lo*leafPlaintext : min(hi*leafPlaintext, len(dst))]
			}
			errs[i] = p.openRun(d, cipher[lo*LeafSize:min(hi*LeafSize, len(cipher))], leaf+int64(lo))
		}
		if i == parts-1 {
			run()
		} else {
			wg.Go(run)
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (p *payloadReader) openRun(dst, cipher []byte, leaf int64) error {
	return eachLeaf(p.hash, cipher, func(c []byte, digest Hash) error {
		d := dst[:min(leafPlaintext, len(dst))]
		if err := p.openLeaf(d, c, leaf, digest); err != nil {
			return err
		}
		dst, leaf = dst[len(d):], leaf+1
		return nil
	})
}

// openLeaf decrypts a leaf whose digest is the one in the signed tree, into dst or,
// where that is nil, in place.
func (p *payloadReader) openLeaf(dst, cipher []byte, leaf int64, digest Hash) error {
	err := p.tree.check(leaf, digest)
	if err != nil {
		return err
	}
	for chunk := leaf * leafChunks; len(cipher) > 0; chunk++ {
		c := cipher[:min(tgspcrypto.EncryptedChunkSize, len(cipher))]
		out := c[:0]
		if dst != nil {
			out, dst = dst[:0], dst[len(c)-tgspcrypto.ChunkOverhead:]
		}
		if _, err = p.openChunk(out, c, chunk); err != nil {
			return err
		}
		cipher = cipher[len(c):]
	}
	return nil
}

// openChunk appends the plaintext of a chunk, whose leaf was checked, to dst.
func (p *payloadReader) openChunk(dst, cipher []byte, chunk int64) ([]byte, error) {
	out, err := p.stream.OpenChunk(dst, cipher, chunk)
	if err != nil {
		return nil, chunkError(p.layout.payloadOffset(), chunk, err)
	}
	p.counters.decrypted.Add(int64(len(cipher) - tgspcrypto.ChunkOverhead))
	return out, nil
}

// forget wipes what is kept. What reads under way have is wiped when they end.
func (p *payloadReader) forget() {
	p.cache.close()
	p.buffers.close()
}

func chunkError(payload, chunk int64, err error) error {
	return &AlteredError{Part: "payload", Offset: payload + chunk*tgspcrypto.EncryptedChunkSize, Reason: fmt.Sprintf("chunk %d: the author signed it, and it still does not decrypt (%v)", chunk, err)}
}

// shrunk is the error for bytes that were there when the package was opened.
func shrunk(off int64, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return &AlteredError{Part: "file", Offset: off, Reason: "the package file became shorter while it was open"}
	}
	return fmt.Errorf("reading the package at offset %d: %w", off, err)
}
