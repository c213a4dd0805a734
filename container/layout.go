// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Sizes and limits of format version 1, in bytes (FORMAT.md, section 2).
const (
	FormatVersion = 1

	preambleSize = 4096
	pageSize     = 4096 // alignment of the payload, and the step of slot sizes

	minSlot     = 64 << 10
	maxSlot     = 256 << 10
	maxManifest = 16 << 10
	maxIndex    = 256 << 20
	maxPath     = 1024

	maxRecipients = 1024
	maxSignatures = 16

	// A leaf of the hash tree is four chunks.
	leafChunks    = 4
	leafPlaintext = leafChunks * tgspcrypto.ChunkSize
	// LeafSize is the ciphertext that one leaf of the hash tree covers.
	LeafSize = leafChunks * tgspcrypto.EncryptedChunkSize

	// alignFrom is the size from which a file starts on a leaf boundary.
	alignFrom = 8 << 20

	maxPayload = tgspcrypto.MaxChunks*tgspcrypto.ChunkSize - 1
)

// magic starts every package. Like PNG's it breaks when a transfer strips the
// eighth bit or rewrites line ends, and stops a text viewer.
var magic = [8]byte{0x89, 'T', 'G', 'S', 'P', '\r', '\n', 0x1a}

// layout is where everything lies, as the preamble says and the manifest repeats.
type layout struct {
	slotSize int64
	index    int64 // length of the encrypted index
	tree     int64 // length of the stored tiles
	payload  int64 // length of the encrypted payload
}

// Offsets from the start of the file.
func (l layout) slotOffset(slot int) int64 { return preambleSize + int64(slot)*l.slotSize }
func (l layout) indexOffset() int64        { return preambleSize + 2*l.slotSize }
func (l layout) treeOffset() int64         { return l.indexOffset() + l.index }
func (l layout) gapOffset() int64          { return l.treeOffset() + l.tree }
func (l layout) payloadOffset() int64      { return roundUp(l.gapOffset(), pageSize) }
func (l layout) fileSize() int64           { return l.payloadOffset() + l.payload }

// leaves returns the number of leaves, at least one: the last chunk of a
// message always exists.
func (l layout) leaves() int64 { return (l.payload + LeafSize - 1) / LeafSize }

// leafRange returns offset and length of a leaf in the payload.
func (l layout) leafRange(leaf int64) (offset, length int64) {
	offset = leaf * LeafSize
	return offset, min(LeafSize, l.payload-offset)
}

// Byte offsets in the preamble (FORMAT.md, section 3); the rest is zero.
const (
	atVersion  = 8
	atSlotSize = 12
	atIndex    = 16
	atTree     = 24
	atPayload  = 32
)

// encode returns the 4 KiB that start the file.
func (l layout) encode() []byte {
	b := make([]byte, preambleSize)
	copy(b, magic[:])
	binary.BigEndian.PutUint32(b[atVersion:], FormatVersion)
	binary.BigEndian.PutUint32(b[atSlotSize:], uint32(l.slotSize)) //nolint:gosec // at most maxSlot
	binary.BigEndian.PutUint64(b[atIndex:], uint64(l.index))       //nolint:gosec // never negative
	binary.BigEndian.PutUint64(b[atTree:], uint64(l.tree))         //nolint:gosec // never negative
	binary.BigEndian.PutUint64(b[atPayload:], uint64(l.payload))   //nolint:gosec // never negative
	return b
}

// parsePreamble reads the layout and checks every number against the limits and
// the size of the file before anything is allocated by it.
func parsePreamble(b []byte, fileSize int64) (layout, error) {
	const part = "preamble"
	var l layout
	if len(b) < len(magic) || !bytes.Equal(b[:len(magic)], magic[:]) {
		return l, malformed(part, "this is not a TGSP package")
	}
	if len(b) < preambleSize {
		return l, malformed(part, "the file ends after %d bytes, in the preamble", len(b))
	}
	if v := binary.BigEndian.Uint32(b[atVersion:]); v != FormatVersion {
		return l, malformed(part, "format version %d, and this program reads version %d", v, FormatVersion)
	}
	slot := binary.BigEndian.Uint32(b[atSlotSize:])
	if !validSlotSize(uint64(slot)) {
		return l, malformed(part, "slot size of %d bytes", slot)
	}
	index := binary.BigEndian.Uint64(b[atIndex:])
	if index > maxIndex {
		return l, malformed(part, "index of %d bytes", index)
	}
	if _, err := tgspcrypto.MessagePlaintextSize(int64(index)); err != nil {
		return l, malformed(part, "index of %d bytes, which no encrypted message has", index)
	}
	payload := binary.BigEndian.Uint64(b[atPayload:])
	if payload > uint64(fileSize) { //nolint:gosec // a file's size is never negative
		return l, malformed(part, "payload of %d bytes in a file of %d", payload, fileSize)
	}
	l = layout{slotSize: int64(slot), index: int64(index), payload: int64(payload)} //nolint:gosec // both bounded above
	if _, err := tgspcrypto.PlaintextSize(l.payload); err != nil {
		return l, malformed(part, "payload of %d bytes, which no encrypted message has", payload)
	}
	tree := binary.BigEndian.Uint64(b[atTree:])
	if want := treeSize(l.leaves()); tree != uint64(want) { //nolint:gosec // never negative
		return l, malformed(part, "tree of %d bytes, and %d leaves need %d", tree, l.leaves(), want)
	}
	l.tree = treeSize(l.leaves())
	if l.fileSize() != fileSize {
		return l, malformed(part, "the package should have %d bytes, and the file has %d: it was cut off or something was added", l.fileSize(), fileSize)
	}
	if !bytes.Equal(l.encode(), b[:preambleSize]) {
		return l, malformed(part, "unused bytes are not zero")
	}
	return l, nil
}

func validSlotSize(n uint64) bool { return n >= minSlot && n <= maxSlot && n%pageSize == 0 }

func roundUp(n, step int64) int64 { return (n + step - 1) / step * step }

// allZero reports whether b holds zeros alone.
func allZero(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), len(zeros))
		if !bytes.Equal(b[:n], zeros[:n]) {
			return false
		}
		b = b[n:]
	}
	return true
}

var zeros [pageSize]byte
