// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestPadding has an author hide bytes between two files and sign them. Nobody
// sees them without a key; a recipient's verify refuses them, and no file has
// them in it.
func TestPadding(t *testing.T) {
	files := randomFiles(map[string]int{"small": 70_000, "weights": alignFrom})
	// The padding goes from the small file's end to the third leaf.
	for _, place := range []int64{70_000, 70_001, 100_000, 2*leafPlaintext - 1} {
		o := takeApartModel(t, files)
		r, err := o.open(o.data)
		check(t, err)
		if r.Place(0) != 0 || r.Place(1) != 2*leafPlaintext {
			t.Fatalf("files lie at %d and %d", r.Place(0), r.Place(1))
		}
		for _, hidden := range []byte{1, 0x80, 0xff} {
			o.plaintext(t, place, hidden)
			altered := new(AlteredError)
			if err := o.verifyBytes(o.data); !errors.As(err, &altered) || altered.Part != "padding" {
				t.Errorf("byte %d is %#x: %v, want the padding refused", place, hidden, err)
			}
			r, err := o.open(o.data)
			check(t, err)
			o.checkContents(t, r)
		}
		o.plaintext(t, place, 0)
		check(t, o.verifyBytes(o.data))
	}
}

// plaintext sets a byte of the payload's plaintext, and hashes and signs all
// anew as the author would.
func (o *opened) plaintext(t *testing.T, place int64, value byte) {
	t.Helper()
	m, payload := o.manifest(t), o.data[o.layout.payloadOffset():]
	stream, err := tgspcrypto.NewStream(m.Suite, o.dek, m.PayloadSalt[:], payloadContext)
	check(t, err)
	number := place / tgspcrypto.ChunkSize
	chunk := payload[number*tgspcrypto.EncryptedChunkSize:][:tgspcrypto.EncryptedChunkSize]
	plain, err := stream.OpenChunk(nil, chunk, number)
	check(t, err)
	plain[place%tgspcrypto.ChunkSize] = value
	copy(chunk, stream.SealChunk(nil, plain, number))
	o.rehash(t)
}

// rehash builds the tree anew and signs it as the author would.
func (o *opened) rehash(t *testing.T) {
	t.Helper()
	m, payload := o.manifest(t), o.data[o.layout.payloadOffset():]
	section := o.data[o.layout.treeOffset():o.layout.gapOffset()]
	tiles := newTileStream(o.layout.leaves(), func(off int64, tile []byte) error {
		copy(section[off:], tile)
		return nil
	})
	for leaf := range o.layout.leaves() {
		off, length := o.layout.leafRange(leaf)
		check(t, tiles.builder.add(leafDigest(m.LeafHash, payload[off:off+length])))
	}
	root, err := tiles.finish()
	check(t, err)
	o.authored(t, func(m *Manifest) { m.ContentHash = root })
}
