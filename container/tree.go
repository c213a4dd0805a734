// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"

	"github.com/zeebo/blake3"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tensorguard/tgsp/crypto/merkle"
	"github.com/tensorguard/tgsp/crypto/sha256mb"
)

// The hash tree is an RFC 6962 tree whose records are the leaf digests. It is
// stored as tiles of 256 hashes (tlog, "Tiling a Log"), level by level. Level L
// holds the hashes of the complete subtrees of 256^L leaves, in order, so that
// full tiles followed by the partial one are just that array.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// leafDigest hashes one leaf of ciphertext.
func leafDigest(h LeafHash, leaf []byte) Hash {
	if h == BLAKE3 {
		return blake3.Sum256(leaf)
	}
	return sha256.Sum256(leaf)
}

// hashesTogether reports whether this processor hashes leaves faster together.
func hashesTogether(h LeafHash) bool { return h == SHA256 && sha256mb.Accelerated() }

// worthSharing is how many leaves at least are worth a processor of their own.
func worthSharing(h LeafHash) int {
	if hashesTogether(h) {
		return sha256mb.Lanes
	}
	return 4
}

// eachLeaf hashes a run of leaves and hands on each with its digest.
func eachLeaf(h LeafHash, run []byte, use func(leaf []byte, digest Hash) error) error {
	var digests [batchLeaves][sha256.Size]byte
	for hashesTogether(h) && len(run) >= sha256mb.Lanes*LeafSize {
		some := digests[:min(len(run)/LeafSize, len(digests))]
		sha256mb.Sum(some, run[:len(some)*LeafSize])
		for _, digest := range some {
			if err := use(run[:LeafSize], digest); err != nil {
				return err
			}
			run = run[LeafSize:]
		}
	}
	for len(run) > 0 {
		leaf := run[:min(LeafSize, len(run))]
		if err := use(leaf, leafDigest(h, leaf)); err != nil {
			return err
		}
		run = run[len(leaf):]
	}
	return nil
}

// treeLevels returns the number of stored levels for a count of leaves.
func treeLevels(leaves int64) int {
	levels := 0
	for n := leaves; n > 0; n >>= tileHeight {
		levels++
	}
	return levels
}

// treeSize returns the bytes that the tiles of all levels take.
func treeSize(leaves int64) int64 { return levelOffset(leaves, treeLevels(leaves)) }

// levelOffset returns where a level starts in the tree section.
func levelOffset(leaves int64, level int) int64 {
	var hashes int64
	for l := range level {
		hashes += leaves >> (l * tileHeight)
	}
	return hashes * tlog.HashSize
}

// A treeBuilder computes the tree from the leaf digests in order.
type treeBuilder struct {
	merkle.Builder
	// store is called for each hash that the tree section holds, level by level in order.
	store func(level int, h tlog.Hash) error
}

// add appends the next leaf.
func (b *treeBuilder) add(digest Hash) error {
	hashes, err := b.Add(digest[:])
	if err != nil {
		return err
	}
	for level, h := range hashes {
		if level%tileHeight == 0 {
			if err := b.store(level/tileHeight, h); err != nil {
				return err
			}
		}
	}
	return nil
}

// root returns the tree's hash over the leaves added so far.
func (b *treeBuilder) root() (Hash, error) {
	h, err := b.Root()
	return Hash(h), err
}
