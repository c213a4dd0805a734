// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/tensorguard/tgsp/crypto/merkle"
)

// Committer builds the tree over a fleet's entries. Its nodes go to a writer, in
// the order in which tlog stores them, so that proofs can be made later without
// hashing all entries again.
type Committer struct {
	tree  merkle.Builder
	last  AgentID
	nodes io.Writer
}

// NewCommitter begins a tree; nodes may be nil.
func NewCommitter(nodes io.Writer) *Committer { return &Committer{nodes: nodes} }

// Add appends an entry. Entries come sorted by agent, each agent once.
func (c *Committer) Add(e *Entry) error {
	if c.tree.Records() > 0 && bytes.Compare(c.last[:], e.Agent[:]) >= 0 {
		return errors.New("entries must come sorted by agent, each agent once")
	}
	c.last = e.Agent
	hashes, err := c.tree.Add(record(e.Agent, e.hash()))
	if err != nil || c.nodes == nil {
		return err
	}
	for _, h := range hashes {
		if _, err := c.nodes.Write(h[:]); err != nil {
			return err
		}
	}
	return nil
}

// Agents returns how many entries were added.
func (c *Committer) Agents() int64 { return c.tree.Records() }

// Root returns the tree's root: the fleet file's entries_hash. Of no entries it
// is the hash of nothing.
func (c *Committer) Root() (Hash, error) {
	h, err := c.tree.Root()
	return Hash(h), err
}

// nodeReader serves tlog from what a Committer has written.
type nodeReader struct{ io.ReaderAt }

func (r nodeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if _, err := r.ReadAt(hashes[i][:], index*tlog.HashSize); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// prove returns the proof that entry n is one of agents many.
func prove(agents, n int64, nodes io.ReaderAt) ([]Hash, error) {
	proof, err := tlog.ProveRecord(agents, n, nodeReader{nodes})
	if err != nil {
		return nil, err
	}
	hashes := make([]Hash, len(proof))
	for i, h := range proof {
		hashes[i] = Hash(h)
	}
	return hashes, nil
}

// proven reports whether the fleet file's tree has this entry at this place.
func (f *File) proven(index uint64, agent AgentID, hash Hash, proof []Hash) bool {
	if index >= f.doc.Agents {
		return false
	}
	p := make(tlog.RecordProof, len(proof))
	for i, h := range proof {
		p[i] = tlog.Hash(h)
	}
	return tlog.CheckRecord(p, f.Agents(), tlog.Hash(f.doc.EntriesHash), int64(index), tlog.RecordHash(record(agent, hash))) == nil //nolint:gosec // below Agents
}
