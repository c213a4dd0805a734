// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"hash"
	"io"
)

// payloadInput is the payload's plaintext: the files in order, with zeros
// before those that start on a leaf boundary. While the bytes pass it hashes
// each file and looks into the headers of weights, so that each is read once.
type payloadInput struct {
	w      *writer
	leaf   int64 // number of the next batch's first leaf
	pos    int64 // in the payload
	starts []int64
	next   int // file that is open, or opened next
	open   *openSource
	left   int64 // bytes of the open file
	digest hash.Hash
	sniff  weightsSniffer
	ended  bool
}

func newPayloadInput(w *writer) *payloadInput {
	starts, _, err := extents(w.index.Files)
	if err != nil {
		panic(err) // makeIndex has checked the same table
	}
	return &payloadInput{w: w, starts: starts, digest: sha256.New()}
}

// fill fills a batch with whole leaves, or with what is left.
func (p *payloadInput) fill(b *batch) (bool, error) {
	if p.ended {
		return false, nil
	}
	b.leaf, b.plain = p.leaf, b.plain[:0]
	for len(b.plain) < cap(b.plain) {
		room := b.plain[len(b.plain):cap(b.plain)]
		n, err := p.read(room)
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

// read returns 0 at the end of the payload.
func (p *payloadInput) read(room []byte) (int, error) {
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
			if err := p.end(); err != nil {
				return 0, err
			}
		}
	}
	n, err := io.ReadFull(p.open, room[:min(int64(len(room)), p.left)])
	if err != nil {
		return 0, err
	}
	p.digest.Write(room[:n])
	if p.sniff != nil {
		if _, err := p.sniff.Write(room[:n]); err != nil {
			return 0, err
		}
	}
	if p.left -= int64(n); p.left == 0 {
		err = p.end()
	}
	return n, err
}

func (p *payloadInput) begin() (err error) {
	file := &p.w.files[p.next]
	if p.open, err = file.Open(); err != nil {
		return err
	}
	p.left = file.Size
	p.digest.Reset()
	p.sniff = newWeightsSniffer(file.Path)
	return nil
}

// end makes sure that the file is still what it was and records its hash.
func (p *payloadInput) end() error {
	if err := p.open.CheckUnchanged(); err != nil {
		return err
	}
	err := p.open.Close()
	p.open = nil
	p.digest.Sum(p.w.index.Files[p.next].SHA256[:0])
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
