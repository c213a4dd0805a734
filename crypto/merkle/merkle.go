// SPDX-License-Identifier: Apache-2.0

// Package merkle builds the hash trees of TGSP from front to end: RFC 6962
// trees with SHA-256, by golang.org/x/mod/sumdb/tlog.
package merkle

import "golang.org/x/mod/sumdb/tlog"

// A Builder computes a tree from its records in order, in memory that grows with
// the logarithm of their number. Its zero value is an empty tree.
type Builder struct {
	records int64
	// latest holds at each level the newest hash of a complete subtree. All that
	// the tree's algorithms ask for when a record is appended are such hashes.
	latest [64]tlog.Hash
}

// Records returns how many records were added.
func (b *Builder) Records() int64 { return b.records }

// Add appends a record. It returns the hashes of the subtrees that it completes,
// lowest level first: what tlog stores for this record.
func (b *Builder) Add(record []byte) ([]tlog.Hash, error) {
	hashes, err := tlog.StoredHashesForRecordHash(b.records, tlog.RecordHash(record), b)
	if err != nil {
		return nil, err
	}
	copy(b.latest[:], hashes)
	b.records++
	return hashes, nil
}

// Root returns the tree's hash over the records added so far.
func (b *Builder) Root() (tlog.Hash, error) { return tlog.TreeHash(b.records, b) }

// ReadHashes serves tlog from the newest hash of each level.
func (b *Builder) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		hashes[i] = b.latest[level]
	}
	return hashes, nil
}
