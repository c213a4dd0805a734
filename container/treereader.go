// SPDX-License-Identifier: Apache-2.0

package container

import (
	"golang.org/x/mod/sumdb/tlog"
)

// cachedTiles is how many authenticated tiles are kept: at 16 MiB of payload a
// tile, they cover 16 GiB with 8 MiB of memory, allocated as they are used.
const cachedTiles = 1024

// treeReader looks up leaf digests, each authenticated against the signed root.
type treeReader struct {
	src    source
	layout layout
	hashes tlog.HashReader
	leaves int64
	tiles  *slotCache[[]tlog.Hash] // record hashes by number of the tile
}

func newTreeReader(src source, l layout, root Hash) *treeReader {
	t := &treeReader{src: src, layout: l, leaves: l.leaves()}
	t.tiles = newSlotCache[[]tlog.Hash](min(cachedTiles, (t.leaves+tileWidth-1)/tileWidth), nil)
	t.hashes = tlog.TileHashReader(tlog.Tree{N: t.leaves, Hash: tlog.Hash(root)}, t)
	return t
}

func recordHash(digest Hash) tlog.Hash { return tlog.RecordHash(digest[:]) }

// digest returns the record hash of a leaf.
func (t *treeReader) digest(leaf int64) (h tlog.Hash, err error) {
	err = t.tiles.with(leaf/tileWidth, t.load, func(records []tlog.Hash) { h = records[leaf%tileWidth] })
	return h, err
}

// check compares a leaf's digest with the one in the signed tree.
func (t *treeReader) check(leaf int64, digest Hash) error {
	want, err := t.digest(leaf)
	if err != nil {
		return err
	}
	if recordHash(digest) != want {
		off, _ := t.layout.leafRange(leaf)
		return notSigned(t.layout.payloadOffset() + off)
	}
	return nil
}

// load authenticates one tile of record hashes with the tiles above it.
func (t *treeReader) load(number int64) ([]tlog.Hash, error) {
	first := number * tileWidth
	indexes := make([]int64, min(tileWidth, t.leaves-first))
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	hashes, err := t.hashes.ReadHashes(indexes)
	if err != nil {
		return nil, t.explain(number, err)
	}
	return hashes, nil
}

// explain tells damage, which tlog reports as text, from failed reads.
func (t *treeReader) explain(number int64, err error) error {
	if r, ok := err.(*tileReadError); ok { //nolint:errorlint // tlog hands it through as it is
		return r.err
	}
	return &AlteredError{Part: "tree", Offset: t.layout.treeOffset() + number*tileWidth*tlog.HashSize, Reason: "the stored hashes do not lead to the content_hash that the author signed"}
}

type tileReadError struct{ err error }

func (e *tileReadError) Error() string { return e.err.Error() }

// Height, ReadTiles and SaveTiles make a tlog.TileReader of the tree section.
func (t *treeReader) Height() int { return tileHeight }

// ReadTiles reads tiles that tlog then authenticates.
func (t *treeReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		data[i] = make([]byte, tile.W*tlog.HashSize)
		off := t.layout.treeOffset() + levelOffset(t.leaves, tile.L) + tile.N*tileWidth*tlog.HashSize
		if _, err := t.src.ReadAt(data[i], off); err != nil {
			return nil, &tileReadError{shrunk(off, err)}
		}
	}
	return data, nil
}

// SaveTiles does nothing: digest keeps the tiles of the lowest level itself.
func (t *treeReader) SaveTiles([]tlog.Tile, [][]byte) {}
