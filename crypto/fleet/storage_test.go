// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var errDisk = errors.New("the disk is gone")

// brokenAt reads what it has, and fails from a place on.
type brokenAt struct {
	io.ReaderAt
	from int64
}

func (b brokenAt) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, errDisk
	}
	return b.ReaderAt.ReadAt(p, off)
}

// A bundle is not made of what cannot be read.
func TestEntriesOnABrokenDisk(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 9)
	f := a.rotate()
	stranger, err := tgspcrypto.GenerateIdentity(a.kem)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(EntrySize(a.kem))
	hashes := int64(32 * 16) // of nine entries: tlog.StoredHashCount(9)
	for _, agent := range append(a.agents, stranger) {
		id, failed, whole := NewAgentID(agent.Recipient()), 0, 0
		add := func(e Entries) {
			b := NewBundle(f)
			if _, err := b.Add(id, &e); err == nil {
				whole++
				if _, err := ParseBundle(b.Encode()); err != nil {
					t.Errorf("made in spite of a broken disk: %v", err)
				}
			} else if failed++; !errors.Is(err, errDisk) {
				t.Error(err)
			}
		}
		for from := range 9 * size {
			e := *a.entries
			e.Packed = brokenAt{e.Packed, from}
			add(e)
		}
		for from := int64(0); from <= hashes; from += 32 {
			e := *a.entries
			e.Nodes = brokenAt{e.Nodes, from}
			add(e)
		}
		if failed == 0 || whole == 0 {
			t.Errorf("%d times it failed, and %d times not", failed, whole)
		}
	}
}

// A tree whose nodes cannot be written is no tree.
func TestCommitterOnABrokenDisk(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 3)
	a.rotate()
	c := NewCommitter(&failingWriter{2 * 32})
	var err error
	for n := int64(0); n < 3 && err == nil; n++ {
		e, readErr := a.entries.At(n)
		if readErr != nil {
			t.Fatal(readErr)
		}
		err = c.Add(e)
	}
	if !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

// failingWriter takes so many bytes.
type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

func TestPackedEntries(t *testing.T) {
	for _, kem := range kems {
		a := newAuthority(t, kem, 1)
		a.rotate()
		e, err := a.entries.At(0)
		if err != nil {
			t.Fatal(err)
		}
		packed := e.AppendPacked(nil)
		if back, err := UnpackEntry(kem, packed); err != nil || back.Agent != e.Agent || !bytes.Equal(back.AppendPacked(nil), packed) || len(packed) != EntrySize(kem) {
			t.Errorf("%s: %v", kem, err)
		}
		for _, wrong := range [][]byte{nil, packed[1:], append(packed, 0)} {
			if _, err := UnpackEntry(kem, wrong); !errors.As(err, new(*FormatError)) {
				t.Errorf("%s: %d bytes: %v", kem, len(wrong), err)
			}
		}
		// The packed bytes may be used again.
		back, err := UnpackEntry(kem, packed)
		if err != nil {
			t.Fatal(err)
		}
		clear(packed)
		if back.Agent != e.Agent || !bytes.Equal(back.Enc, e.Enc) || !bytes.Equal(back.Sealed, e.Sealed) {
			t.Errorf("%s: the entry shares the list's bytes", kem)
		}
	}
}

func TestNamesOfAgents(t *testing.T) {
	id, err := tgspcrypto.GenerateIdentity(tgspcrypto.X25519)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(id.Recipient().Bytes())
	agent := NewAgentID(id.Recipient())
	if want := hex.EncodeToString(sum[:]); agent.String() != want || agent.ShortID() != want[:8] || agent.ShortID() != id.Recipient().ShortID() {
		t.Errorf("%s and %s, want %s", agent, agent.ShortID(), want)
	}
}

// What an agent keeps of a bundle for many is what concerns it, also where that
// is that it was revoked.
func TestSingleOfARevokedAgent(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 4)
	f := a.rotate()
	stranger, err := tgspcrypto.GenerateIdentity(a.kem)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseBundle(a.bundle(f, a.agents[0], stranger, a.agents[1]))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.Single(NewAgentID(stranger.Recipient())).Encode(); !bytes.Equal(got, a.bundle(f, stranger)) {
		t.Error("what a revoked agent keeps is not what it would have been given alone")
	}
	if got := b.Single(AgentID{}).Encode(); !bytes.Equal(got, a.bundle(f)) {
		t.Error("what is kept of nobody is more than the fleet file")
	}
}

func TestFieldsOfAFileAreShown(t *testing.T) {
	a := newAuthority(t, tgspcrypto.MLKEM768X25519, 2)
	a.rotate()
	f := a.rotate()
	if f.Serial() != 2 || f.EntriesHash() != f.doc.EntriesHash || f.KEM() != a.kem || f.Agents() != 2 || f.Oldest() != 1 || !f.ValidUntil().Equal(issued.Add(time.Hour)) {
		t.Errorf("serial %d, hash %x, kind %s, %d agents, from epoch %d, until %s", f.Serial(), f.EntriesHash(), f.KEM(), f.Agents(), f.Oldest(), f.ValidUntil())
	}
}

// What is too large is refused before it is read.
func TestTooLarge(t *testing.T) {
	for name, data := range map[string][]byte{"a bundle": make([]byte, MaxBundle+1), "a bare fleet file": append(newAuthority(t, tgspcrypto.X25519, 0).rotate().Bytes(), make([]byte, maxFile)...)} {
		if _, err := ParseBundle(data); !errors.As(err, new(*FormatError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ParseFile(make([]byte, maxFile+1)); !errors.As(err, new(*FormatError)) {
		t.Errorf("a fleet file: %v", err)
	}
}
