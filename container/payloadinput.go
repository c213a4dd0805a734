// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"hash"
	"io"
)

// payloadInput is the payload's plaintext: the files in order, with zeros
// before those that start on a leaf boundary. While the bytes pass it looks into
// the headers of weights, and notes for fileHashes whose they are, so that each is
// read once.
type payloadInput struct {
	w      *writer
	leaf   int64 // number of the next batch's first leaf
	pos    int64 // in the payload
	starts []int64
	next   int // file that is open, or opened next
	open   *openSource
	left   int64 // bytes of the open file
	sniff  weightsSniffer
	ended  bool
}

// piece is a part of a batch's plaintext that belongs to one file.
type piece struct {
	file    int
	off, to int
	last    bool // the file ends with it
}

func newPayloadInput(w *writer) *payloadInput {
	starts, _, err := extents(w.index.Files)
	if err != nil {
		panic(err) // makeIndex has checked the same table
	}
	return &payloadInput{w: w, starts: starts}
}

// fill fills a batch with whole leaves, or with what is left.
func (p *payloadInput) fill(b *batch) (bool, error) {
	if p.ended {
		return false, nil
	}
	b.leaf, b.plain, b.pieces = p.leaf, b.plain[:0], b.pieces[:0]
	for len(b.plain) < cap(b.plain) {
		room := b.plain[len(b.plain):cap(b.plain)]
		n, err := p.read(b, room)
		if err != nil {
			return false, err
		}
		if n == 0 {
			p.ended = true
			break
		}
		b.plain = b.plain[:len(b.plain)+n]
		p.pos += int64(n)
	}
	b.final = p.ended
	p.leaf += batchLeaves
	return true, nil
}

// read appends to the batch's pieces what it reads for it. It returns 0 at the end
// of the payload.
func (p *payloadInput) read(b *batch, room []byte) (int, error) {
	for p.open == nil {
		if p.next == len(p.w.files) {
			return 0, nil
		}
		if pad := p.starts[p.next] - p.pos; pad > 0 {
			n := min(int64(len(room)), pad)
			clear(room[:n])
			return int(n), nil
		}
		if err := p.begin(); err != nil {
			return 0, err
		}
		if p.left == 0 {
			if err := p.end(b, 0); err != nil {
				return 0, err
			}
		}
	}
	n, err := io.ReadFull(p.open, room[:min(int64(len(room)), p.left)])
	if err != nil {
		return 0, err
	}
	if p.sniff != nil {
		if _, err := p.sniff.Write(room[:n]); err != nil {
			return 0, err
		}
	}
	if p.left -= int64(n); p.left == 0 {
		return n, p.end(b, n)
	}
	b.pieces = append(b.pieces, piece{p.next, len(b.plain), len(b.plain) + n, false})
	return n, nil
}

func (p *payloadInput) begin() (err error) {
	file := &p.w.files[p.next]
	if p.open, err = file.Open(); err != nil {
		return err
	}
	p.left = file.Size
	p.sniff = newWeightsSniffer(file.Path)
	return nil
}

// end makes sure that the file, of which the batch gets n bytes more, is still what
// it was.
func (p *payloadInput) end(b *batch, n int) error {
	if err := p.open.CheckUnchanged(); err != nil {
		return err
	}
	err := p.open.Close()
	p.open = nil
	b.pieces = append(b.pieces, piece{p.next, len(b.plain), len(b.plain) + n, true})
	if p.sniff != nil {
		info := p.sniff.Result()
		p.w.index.Weights = append(p.w.index.Weights, WeightsEntry{File: uint64(p.next), Info: *info}) //nolint:gosec // never negative
		p.sniff = nil
	}
	p.next++
	return err
}

// close releases what an error left open.
func (p *payloadInput) close() {
	if p.open != nil {
		p.open.Close() //nolint:errcheck,gosec // only read, and the packing has failed
	}
	if p.sniff != nil {
		p.sniff.Result()
	}
}

// fileHashes takes the pieces in order and records the hash of each file. It is a
// step of its own: one hash after the other of all bytes takes longer than reading.
type fileHashes struct {
	index  *indexDoc
	digest hash.Hash
}

func newFileHashes(index *indexDoc) *fileHashes { return &fileHashes{index, sha256.New()} }

func (f *fileHashes) take(b *batch) {
	for _, x := range b.pieces {
		f.digest.Write(b.plain[x.off:x.to])
		if x.last {
			f.digest.Sum(f.index.Files[x.file].SHA256[:0])
			f.digest.Reset()
		}
	}
}
