// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// FuzzPreamble makes sure that a preamble that is taken is the one that its
// numbers make, and that they fit into the file. What the fuzzer leaves out at
// the end is zero.
func FuzzPreamble(f *testing.F) {
	for _, data := range seedPackages(f) {
		f.Add(data[:atPayload+8], int64(len(data)))
	}
	for _, data := range packagesOfKit(f) {
		f.Add(bytes.TrimRight(data[:min(len(data), preambleSize)], "\x00"), int64(len(data)))
	}
	f.Add(layout{slotSize: maxSlot, index: maxIndex, tree: treeSize(1 << 36), payload: LeafSize << 36}.encode()[:atPayload+8], int64(1)<<60)
	buf := make([]byte, preambleSize)
	f.Fuzz(func(t *testing.T, head []byte, size int64) {
		if size < 0 {
			return
		}
		clear(buf)
		copy(buf, head)
		l, err := parsePreamble(buf, size)
		typed(t, err)
		if err != nil {
			return
		}
		if !bytes.Equal(l.encode(), buf) {
			t.Errorf("%+v is written as another preamble", l)
		}
		from := int64(0)
		for _, at := range []int64{l.slotOffset(0), l.slotOffset(1), l.indexOffset(), l.treeOffset(), l.gapOffset(), l.payloadOffset(), l.fileSize()} {
			if at < from || at > size {
				t.Errorf("%+v: a part at %d in a file of %d", l, at, size)
			}
			from = at
		}
		last, length := l.leafRange(l.leaves() - 1)
		if l.fileSize() != size || length < 1 || last+length != l.payload || l.payloadOffset()%pageSize != 0 {
			t.Errorf("%+v: %d leaves, the last of %d bytes", l, l.leaves(), length)
		}
	})
}

// envelopesOfKit are the envelopes in the kit, right or not.
func envelopesOfKit(f *testing.F) [][]byte {
	f.Helper()
	var all [][]byte
	for _, data := range packagesOfKit(f) {
		if len(data) < preambleSize+minSlot {
			continue
		}
		slot := data[preambleSize : preambleSize+minSlot]
		if n := int(binary.BigEndian.Uint32(slot)); n > 0 && n <= len(slot)-slotPrefix {
			all = append(all, slot[slotPrefix:slotPrefix+n])
		}
	}
	return all
}

// FuzzManifest makes sure that a manifest that is taken has one form.
func FuzzManifest(f *testing.F) {
	for _, e := range seedEnvelopes(f) {
		f.Add(e.doc.Manifest)
	}
	for _, data := range envelopesOfKit(f) {
		var doc envelopeDoc
		if dcbor.Peek(data, &doc) == nil {
			f.Add(doc.Manifest)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inMemory(t, len(data), func() {
			m, err := parseManifest(data)
			typed(t, err)
			if err != nil {
				return
			}
			if !bytes.Equal(encode(m), data) || !isDeterministicMap(data) {
				t.Errorf("%x comes back as %x", data, encode(m))
			}
			typed(t, m.Policy.Check(Facts{Now: created}))
			if end := m.Policy.End(); !end.IsZero() && m.Policy.Check(Facts{Now: end, Fleets: []Membership{{Fleet: FleetID(append(m.Policy.TargetFleet, make([]byte, 32)...)), ValidUntil: end.Add(time.Hour)}}}) == nil {
				t.Errorf("%+v is open at its end", m.Policy)
			}
			if _, err := time.Parse(time.RFC3339, FormatTime(m.CreatedAt)); err != nil {
				t.Error(err)
			}
		})
	})
}

// resigned is an envelope as the author would sign it, so that the fuzzer gets
// behind the signatures.
func resigned(data []byte, author *tgspcrypto.AuthorKey) []byte {
	var doc envelopeDoc
	if decode("envelope", data, &doc) != nil {
		return data
	}
	own := encode(newSignature(author, ManifestType, doc.Manifest))
	if len(doc.Signatures) > 0 {
		doc.Signatures[0] = own
	} else {
		doc.Signatures = []cbor.RawMessage{own}
	}
	doc.EnvelopeSignature = newSignature(author, EnvelopeType, doc.signed())
	return encode(doc)
}

// claimedLayout is the layout by the manifest in an envelope, where it has one.
func claimedLayout(data []byte) layout {
	var doc envelopeDoc
	if decode("envelope", data, &doc) != nil {
		return layout{}
	}
	m, err := parseManifest(doc.Manifest)
	if err != nil {
		return layout{}
	}
	return m.layout()
}

// FuzzEnvelope makes sure that an envelope that is taken has one form, alone and
// in a slot, and that all in it can be used.
func FuzzEnvelope(f *testing.F) {
	author := frozenAuthor(f)
	identities := append(frozenIdentities(f, tgspcrypto.X25519), frozenIdentities(f, tgspcrypto.MLKEM768X25519)...)
	for _, e := range seedEnvelopes(f) {
		f.Add(encode(e.doc), false)
		doc := e.doc
		doc.Generation++
		doc.Recipients = append(doc.Recipients, encode(map[string]any{"type": "FUTURE", "x": []any{uint64(1)}}))
		doc.Signatures = append(doc.Signatures, encode(map[string]any{"algorithm": "FUTURE"}))
		f.Add(encode(doc), true)
	}
	for _, data := range envelopesOfKit(f) {
		f.Add(data, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, sign bool) {
		if sign {
			data = resigned(data, author)
		}
		inMemory(t, len(data)+minSlot, func() {
			e, err := parseEnvelope(data, claimedLayout(data))
			typed(t, err)
			if err != nil {
				return
			}
			if !bytes.Equal(encode(e.doc), data) || !isDeterministicMap(data) {
				t.Errorf("%x comes back as %x", data, encode(e.doc))
			}
			if e.Author().ID() != e.Manifest().AuthorID || len(e.Recipients()) != len(e.doc.Recipients) || len(e.Signers())+len(e.UnknownSignatures()) != len(e.doc.Signatures) {
				t.Errorf("%d recipients, %d signers, %d unknown", len(e.Recipients()), len(e.Signers()), len(e.UnknownSignatures()))
			}
			if _, err := unwrap(e.recipients, e.doc.Manifest, Facts{}, identities); err != nil {
				typed(t, err)
			}
			slot, err := encodeSlot(e, e.manifest.layout().slotSize)
			if err != nil {
				return // larger than a slot
			}
			if back := parseSlot(slot, e.manifest.layout()); back.envelope == nil || !bytes.Equal(encode(back.envelope.doc), data) {
				t.Errorf("read back from a slot: %v", back.err)
			}
		})
	})
}
