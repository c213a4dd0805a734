// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

const kitDir = "../../container/testdata/kit"

// bundlesOfKit are the documents of the test kit, each with its own defect.
func bundlesOfKit(f *testing.F) [][]byte {
	f.Helper()
	cases, err := kit.ReadAll(kitDir)
	if err != nil {
		f.Fatal(err)
	}
	var all [][]byte
	for _, c := range cases {
		if c.As == kit.BundleAs {
			all = append(all, c.Bundle)
		}
		all = append(all, c.Fleets...)
	}
	if len(all) == 0 {
		f.Fatal("the kit has lost its documents of fleets")
	}
	return all
}

// FuzzBundle makes sure that a bundle that is taken has one form, and that
// nobody but its authority makes one; and that reading it takes memory in
// proportion to it.
func FuzzBundle(f *testing.F) {
	for _, kem := range kems {
		a := newAuthority(f, kem, 3)
		a.rotate()
		file := a.rotate()
		stranger, err := tgspcrypto.GenerateIdentity(kem)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
		f.Add(a.bundle(file, a.agents...))
		f.Add(a.bundle(file, stranger))
	}
	for _, data := range bundlesOfKit(f) {
		f.Add(data)
	}
	f.Add(append([]byte(bundleStart), list(1000, []byte{0})...))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := parseInMemory(t, data)
		if err != nil {
			if !typed(err) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		// The fuzzer runs in several processes, each with authorities of its own:
		// what comes from another is signed as well.
		if again, err := ParseFile(b.File.Bytes()); err != nil || again.ID() != b.File.ID() {
			t.Errorf("its file: %v", err)
		}
		if !bytes.Equal(b.Encode(), data) && !bytes.Equal(b.File.Bytes(), data) {
			t.Error("it has two forms")
		}
	})
}

// FuzzFleetFile gives documents that the authority has signed whatever they say:
// what is taken has one form and fields within their bounds.
func FuzzFleetFile(f *testing.F) {
	for _, kem := range kems {
		a := newAuthority(f, kem, 1)
		a.rotate()
		f.Add(dcbor.Encode(a.rotate().doc))
	}
	for _, data := range bundlesOfKit(f) {
		var outer struct {
			File []byte `cbor:"fleet_file"`
		}
		if dcbor.Peek(data, &outer) == nil && outer.File != nil {
			data = outer.File
		}
		var file signedDoc
		if dcbor.Peek(data, &file) == nil {
			f.Add(file.Document)
		}
	}
	a := newAuthority(f, tgspcrypto.X25519, 0)
	f.Fuzz(func(t *testing.T, document []byte) {
		var d fileDoc
		if dcbor.Peek(document, &d) == nil {
			d.Fleet = a.id()
			document = dcbor.Encode(d)
		}
		data, err := a.seal(document, a.key)
		if err != nil {
			if !typed(err) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		file, err := ParseFile(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(dcbor.Encode(file.doc), document) || file.Oldest() == 0 || file.Agents() < 0 || !file.ValidUntil().After(file.IssuedAt()) {
			t.Errorf("%+v", file.doc)
		}
	})
}

// FuzzEntries puts entries and absences around a fleet file of the kit: what is
// taken as an entry is one that the authority has signed, and who is taken as
// absent has none.
func FuzzEntries(f *testing.F) {
	c, err := kit.ReadFile(kitDir + "/bundle-good-all-agents.kit")
	if err != nil {
		f.Fatal(err)
	}
	all, err := ParseBundle(c.Bundle)
	if err != nil || len(all.doc.Members) != int(all.File.Agents()) {
		f.Fatalf("%d entries: %v", len(all.doc.Members), err)
	}
	signed := map[AgentID][]byte{}
	members := all.doc.Members
	slices.SortFunc(members, func(a, b memberDoc) int { return int(a.Index) - int(b.Index) })
	var left *neighbourDoc
	for _, m := range members {
		signed[m.Entry.Agent] = dcbor.Encode(m)
		right := &neighbourDoc{m.Entry.Agent, m.Entry.hash(), m.Index, m.Proof}
		between := m.Entry.Agent
		between[31]-- // which no agent is called
		f.Add(dcbor.Encode(bundleDoc{Members: []memberDoc{m}, Absent: []absentDoc{{between, left, right}}}))
		left = right
	}
	for _, data := range bundlesOfKit(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var doc bundleDoc
		if dcbor.Peek(data, &doc) != nil {
			return
		}
		doc.File = all.File.Bytes()
		b, err := ParseBundle(dcbor.Encode(doc))
		if err != nil {
			if !typed(err) {
				t.Errorf("%T: %v", err, err)
			}
			return
		}
		for _, m := range b.doc.Members {
			if !bytes.Equal(dcbor.Encode(m), signed[m.Entry.Agent]) {
				t.Errorf("an entry of %s that nobody has signed", m.Entry.Agent)
			}
		}
		for _, a := range b.doc.Absent {
			if signed[a.Agent] != nil {
				t.Errorf("%s is taken as absent, and has an entry", a.Agent)
			}
		}
	})
}
