// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// FuzzBundle makes sure that a bundle that is taken has one form, and that
// nobody but its authority makes one.
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
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBundle(data)
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
