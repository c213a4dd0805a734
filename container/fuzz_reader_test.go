// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// readerFuzz is a package that a fuzzer overwrites, and restores for its next try.
type readerFuzz struct {
	data    []byte // the package and some zeros behind it
	orig    []byte
	swapped []byte // the same with its envelope in the other slot
	model   map[string][]byte
	trust   *Trust
	ids     []*tgspcrypto.Identity
}

// maxGrown is by how much a package is made longer.
const maxGrown = 512

func newReaderFuzz(f *testing.F, orig []byte) *readerFuzz {
	f.Helper()
	l := mustLayout(f, orig)
	swapped := bytes.Clone(orig)
	copy(swapped[l.slotOffset(0):], orig[l.slotOffset(1):l.indexOffset()])
	copy(swapped[l.slotOffset(1):], orig[l.slotOffset(0):l.slotOffset(1)])
	return &readerFuzz{
		swapped: swapped,
		data:    append(bytes.Clone(orig), make([]byte, maxGrown)...), orig: orig, model: frozenModel(f),
		trust: &Trust{Keys: []TrustedKey{{Key: frozenAuthor(f).Public(), Role: RoleAuthor}}},
		ids:   append(frozenIdentities(f, tgspcrypto.X25519), frozenIdentities(f, tgspcrypto.MLKEM768X25519)...),
	}
}

// patch overwrites a part and returns what restores it.
func (x *readerFuzz) patch(at uint32, p []byte) func() {
	off := int(at) % len(x.orig)
	p = p[:min(len(p), len(x.orig)-off)]
	copy(x.data[off:], p)
	return func() { copy(x.data[off:off+len(p)], x.orig[off:]) }
}

// FuzzReader overwrites two places of a package and changes its length. Whatever
// comes of it, the reader gives bytes of the model alone, and verify takes
// nothing but the package as it was.
func FuzzReader(f *testing.F) {
	var all []*readerFuzz
	for i, data := range seedPackages(f) {
		x := newReaderFuzz(f, data)
		all = append(all, x)
		l := mustLayout(f, data)
		n := uint8(i)
		envelope := data[l.slotOffset(0) : l.slotOffset(0)+2048]
		f.Add(n, uint32(0), data[:40], uint32(0), []byte{}, int16(0), uint32(0))
		f.Add(n, uint32(l.slotOffset(1)), envelope, uint32(0), []byte{}, int16(0), uint32(100))
		f.Add(n, uint32(l.slotOffset(1)), envelope, uint32(l.slotOffset(0)), make([]byte, 2048), int16(0), uint32(70_000))
		f.Add(n, uint32(l.treeOffset()), data[l.treeOffset():l.gapOffset()], uint32(l.indexOffset()), data[:64], int16(0), uint32(16))
		f.Add(n, uint32(l.gapOffset()), make([]byte, 64), uint32(l.payloadOffset()), data[:64], int16(-1), uint32(32))
	}
	f.Fuzz(func(t *testing.T, which uint8, at1 uint32, p1 []byte, at2 uint32, p2 []byte, grow int16, read uint32) {
		x := all[int(which)%len(all)]
		defer x.patch(at1, p1)()
		defer x.patch(at2, p2)()
		size := len(x.orig) + int(grow)%maxGrown
		inMemory(t, size, func() { x.try(t, x.data[:size], read) })
	})
}

func (x *readerFuzz) try(t *testing.T, data []byte, read uint32) {
	file, err := NewFile(bytes.NewReader(data), int64(len(data)))
	typed(t, err)
	if err != nil {
		return
	}
	if read%64 == 0 { // all bytes are hashed for it
		_, err := file.Verify(t.Context(), VerifyOptions{Trust: x.trust, Identities: x.ids})
		typed(t, err)
		if err == nil && !bytes.Equal(data, x.orig) && !bytes.Equal(data, x.swapped) {
			t.Error("verify takes a package that was changed")
		}
	}
	a, err := file.Accept(x.trust)
	typed(t, err)
	if err != nil {
		return
	}
	r, err := a.Open(Facts{Now: created}, x.ids)
	typed(t, err)
	if err != nil {
		return
	}
	if len(r.Files()) != len(x.model) || r.Metadata() != frozenMetadata {
		t.Errorf("%d files, metadata %q", len(r.Files()), r.Metadata())
	}
	for i, e := range r.Files() {
		want, known := x.model[e.Path]
		if !known || e.Size != uint64(len(want)) {
			t.Fatalf("%+v was never packed", e)
		}
		if len(want) == 0 {
			continue
		}
		off := int(read) % len(want)
		p := make([]byte, 100)
		n, err := r.ReadFileAt(i, p, int64(off))
		if err != nil && !errors.Is(err, io.EOF) {
			typed(t, err)
		}
		if off+n > len(want) || !bytes.Equal(p[:n], want[off:off+n]) {
			t.Fatalf("%s gives a wrong byte", e.Path)
		}
	}
}
