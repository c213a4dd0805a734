// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"fmt"
	"io"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// Limits of a bundle (FORMAT.md, section 13.4).
const (
	MaxBundle  = 64 << 20 // bytes
	maxProof   = 33       // hashes, in a tree of MaxAgents entries
	maxElement = 4 << 10  // bytes of a member or an absence; the longest have less
)

// bundleDoc is what an agent gets: the fleet file, and what of the tree over all
// entries concerns it. It has no signature of its own, since all of it is checked
// against the fleet file.
type bundleDoc struct {
	File    []byte      `cbor:"fleet_file"`
	Members []memberDoc `cbor:"members"`
	Absent  []absentDoc `cbor:"absent"`
}

// memberDoc is an agent's entry, with the proof that the fleet file's tree has it.
type memberDoc struct {
	Entry Entry  `cbor:"entry"`
	Index uint64 `cbor:"index"`
	Proof []Hash `cbor:"proof"`
}

// absentDoc shows that an agent has no entry: its neighbours in the order of
// agents follow each other in the tree. At either end one is missing.
type absentDoc struct {
	Agent AgentID       `cbor:"agent_id"`
	Left  *neighbourDoc `cbor:"left,omitempty"`
	Right *neighbourDoc `cbor:"right,omitempty"`
}

type neighbourDoc struct {
	Agent AgentID `cbor:"agent_id"`
	Hash  Hash    `cbor:"entry_hash"`
	Index uint64  `cbor:"index"`
	Proof []Hash  `cbor:"proof"`
}

// Bundle is a fleet file with entries of agents, or proofs that agents have none.
type Bundle struct {
	File *File
	doc  bundleDoc
}

// NewBundle begins a bundle around a fleet file.
func NewBundle(f *File) *Bundle { return &Bundle{File: f, doc: bundleDoc{File: f.Bytes()}} }

// ParseBundle reads a bundle, or a bare fleet file as a bundle without entries,
// and checks all of it against the authority's signature. It returns a
// *FormatError or a *SignatureError.
func ParseBundle(data []byte) (*Bundle, error) {
	const part = "fleet bundle"
	if len(data) > MaxBundle {
		return nil, malformed(part, "%d bytes, and at most %d are allowed", len(data), MaxBundle)
	}
	switch {
	case bytes.HasPrefix(data, []byte(fileStart)):
		f, err := ParseFile(data)
		if err != nil {
			return nil, err
		}
		return NewBundle(f), nil
	case !bytes.HasPrefix(data, []byte(bundleStart)):
		return nil, malformed(part, "this is no file of a fleet")
	}
	b := new(Bundle)
	if err := b.doc.read(data); err != nil {
		return nil, malformed(part, "%v", err)
	}
	var err error
	if b.File, err = ParseFile(b.doc.File); err != nil {
		return nil, err
	}
	return b, b.validate()
}

func (b *Bundle) validate() error {
	for i := range b.doc.Members {
		m := &b.doc.Members[i]
		if err := m.Entry.validate(b.File.KEM()); err != nil {
			return err
		}
		if len(m.Proof) > maxProof || !b.File.proven(m.Index, m.Entry.Agent, m.Entry.hash(), m.Proof) {
			return &SignatureError{fmt.Sprintf("the entry of agent %s is not among those that the authority signed", m.Entry.Agent.ShortID())}
		}
	}
	for i := range b.doc.Absent {
		a := &b.doc.Absent[i]
		if !b.File.absent(a) {
			return &SignatureError{fmt.Sprintf("what says that agent %s has no entry is not what the authority signed", a.Agent.ShortID())}
		}
	}
	return nil
}

// absent reports whether the tree leaves no place for the agent.
func (f *File) absent(a *absentDoc) bool {
	for _, n := range []*neighbourDoc{a.Left, a.Right} {
		if n != nil && (len(n.Proof) > maxProof || !f.proven(n.Index, n.Agent, n.Hash, n.Proof)) {
			return false
		}
	}
	before := a.Left == nil || bytes.Compare(a.Left.Agent[:], a.Agent[:]) < 0
	after := a.Right == nil || bytes.Compare(a.Agent[:], a.Right.Agent[:]) < 0
	var adjacent bool
	switch {
	case a.Left != nil && a.Right != nil:
		adjacent = a.Left.Index+1 == a.Right.Index
	case a.Left != nil:
		adjacent = a.Left.Index+1 == f.doc.Agents
	case a.Right != nil:
		adjacent = a.Right.Index == 0
	default:
		adjacent = f.doc.Agents == 0
	}
	return before && after && adjacent
}

// Encode returns the bundle as it is handed around.
func (b *Bundle) Encode() []byte { return dcbor.Encode(b.doc) }

// Entries are all entries of a fleet, sorted by agent, with the tree over them.
type Entries struct {
	Count  int64
	KEM    tgspcrypto.KEM
	Packed io.ReaderAt // Count packed entries
	Nodes  io.ReaderAt // what a Committer has written
}

// At returns one entry.
func (e *Entries) At(n int64) (*Entry, error) {
	b := make([]byte, EntrySize(e.KEM))
	if _, err := e.Packed.ReadAt(b, n*int64(len(b))); err != nil {
		return nil, err
	}
	return UnpackEntry(e.KEM, b)
}

// find returns the place of an agent's entry, or where it would stand.
func (e *Entries) find(agent AgentID) (at int64, found bool, err error) {
	low, high := int64(0), e.Count
	for low < high {
		middle := low + (high-low)/2
		var id AgentID
		if _, err := e.Packed.ReadAt(id[:], middle*int64(EntrySize(e.KEM))); err != nil {
			return 0, false, err
		}
		switch bytes.Compare(id[:], agent[:]) {
		case 0:
			return middle, true, nil
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return low, false, nil
}

// Add puts in what concerns an agent: its entry, or the proof that it has none.
// It reports whether the agent is a member.
func (b *Bundle) Add(agent AgentID, entries *Entries) (member bool, err error) {
	at, found, err := entries.find(agent)
	if err != nil {
		return false, err
	}
	if found {
		e, err := entries.At(at)
		if err != nil {
			return false, err
		}
		proof, err := prove(entries.Count, at, entries.Nodes)
		b.doc.Members = append(b.doc.Members, memberDoc{*e, uint64(at), proof}) //nolint:gosec // never negative
		return true, err
	}
	absent := absentDoc{Agent: agent}
	if at > 0 {
		if absent.Left, err = entries.neighbour(at - 1); err != nil {
			return false, err
		}
	}
	if at < entries.Count {
		if absent.Right, err = entries.neighbour(at); err != nil {
			return false, err
		}
	}
	b.doc.Absent = append(b.doc.Absent, absent)
	return false, nil
}

func (e *Entries) neighbour(n int64) (*neighbourDoc, error) {
	entry, err := e.At(n)
	if err != nil {
		return nil, err
	}
	proof, err := prove(e.Count, n, e.Nodes)
	return &neighbourDoc{entry.Agent, entry.hash(), uint64(n), proof}, err //nolint:gosec // never negative
}
