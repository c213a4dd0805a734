// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"

	"golang.org/x/mod/sumdb/tlog"
)

// tileStream collects a treeBuilder's hashes into whole tiles and hands each on
// with its place in the tree section: to be written, or to be compared.
type tileStream struct {
	builder treeBuilder
	leaves  int64 // that there will be
	pending [8]pendingTile
	flush   func(off int64, tile []byte) error
}

type pendingTile struct {
	data []byte
	off  int64 // of data in the tree section
}

func newTileStream(leaves int64, flush func(off int64, tile []byte) error) *tileStream {
	t := &tileStream{leaves: leaves, flush: flush}
	t.builder.store = t.store
	for level := range t.pending {
		t.pending[level].off = levelOffset(leaves, level)
	}
	return t
}

func (t *tileStream) store(level int, h tlog.Hash) error {
	p := &t.pending[level]
	p.data = append(p.data, h[:]...)
	if len(p.data) < tileWidth*tlog.HashSize {
		return nil
	}
	return t.emit(p)
}

func (t *tileStream) emit(p *pendingTile) error {
	err := t.flush(p.off, p.data)
	p.off += int64(len(p.data))
	p.data = p.data[:0]
	return err
}

// finish hands on the partial tiles and returns the tree's root.
func (t *tileStream) finish() (Hash, error) {
	for level := range t.pending {
		if p := &t.pending[level]; len(p.data) > 0 {
			if err := t.emit(p); err != nil {
				return Hash{}, err
			}
		}
	}
	return t.builder.root()
}

// compareTiles returns a flush that refuses tiles which are not those stored.
func compareTiles(src source, l layout) func(off int64, tile []byte) error {
	stored := make([]byte, tileWidth*tlog.HashSize)
	return func(off int64, tile []byte) error {
		at := l.treeOffset() + off
		if _, err := src.ReadAt(stored[:len(tile)], at); err != nil {
			return shrunk(at, err)
		}
		if !bytes.Equal(stored[:len(tile)], tile) {
			return &AlteredError{Part: "tree", Offset: at, Reason: "the stored hashes are not those of the payload"}
		}
		return nil
	}
}
