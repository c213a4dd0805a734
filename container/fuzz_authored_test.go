// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// What the fuzzer's package is to be besides what the fuzzer says.
const (
	fitManifest = 1 << iota // the manifest's numbers and hashes become those of the rest
	fitHashes               // the table's hashes become those of the files
	andVerify               // it is verified too
)

// maxAuthored is the longest payload of a package that the fuzzer authors: a
// leaf and a little.
const maxAuthored = leafPlaintext + 1000

// authoredFuzz builds packages around a manifest and a table of the fuzzer's,
// signed by a trusted author and sealed with the right key.
type authoredFuzz struct {
	author *tgspcrypto.AuthorKey
	ids    []*tgspcrypto.Identity
	dek    []byte
	plain  []byte // of the longest payload
	data   []byte // of the package
}

// build returns the package, or nil where its parts cannot even be written.
func (x *authoredFuzz) build(t *testing.T, manifest, table []byte, fit uint8) []byte {
	t.Helper()
	m, err := parseManifest(manifest)
	typed(t, err)
	end := tableEnd(table)
	if err != nil || end > maxAuthored {
		return nil
	}
	if fit&fitHashes != 0 {
		table = x.withHashes(table)
	}
	sealed, err := tgspcrypto.SealMessage(m.Suite, x.dek, indexPlain(table, 16), indexContext)
	check(t, err)
	stream, err := tgspcrypto.NewStream(m.Suite, x.dek, m.PayloadSalt[:], payloadContext)
	check(t, err)
	payload, tree, root := x.payload(t, stream, m.LeafHash, end)
	l := layout{slotSize: minSlot, index: int64(len(sealed)), tree: int64(len(tree)), payload: int64(len(payload))}
	if fit&fitManifest != 0 {
		m.AuthorID, m.SlotSize = x.author.Public().ID(), minSlot
		m.IndexLength, m.TreeLength, m.PayloadLength = uint64(l.index), uint64(l.tree), uint64(end)
		m.IndexHash, m.ContentHash, m.PayloadCommitment = sha256.Sum256(sealed), root, stream.Commitment()
		manifest = encode(m)
	}
	doc := envelopeDoc{Generation: 1, Manifest: manifest, Signatures: []cbor.RawMessage{}}
	check(t, doc.wrapAll([]*tgspcrypto.Recipient{x.ids[0].Recipient()}, x.dek))
	doc.sign(x.author)
	doc.EnvelopeSignature = newSignature(x.author, EnvelopeType, doc.signed())
	clear(x.data)
	x.data = append(x.data[:0], make([]byte, l.fileSize())...)
	copy(x.data, l.encode())
	copy(x.data[l.slotOffset(0):], indexPlain(encode(doc), 0)) // a slot has the same form
	copy(x.data[l.indexOffset():], sealed)
	copy(x.data[l.treeOffset():], tree)
	copy(x.data[l.payloadOffset():], payload)
	return x.data
}

// withHashes sets the hashes of a table to what the payload holds.
func (x *authoredFuzz) withHashes(table []byte) []byte {
	var doc indexDoc
	if decode("index", table, &doc) != nil {
		return table
	}
	starts, _, err := extents(doc.Files)
	if err != nil {
		return table
	}
	for i := range doc.Files {
		e := &doc.Files[i]
		e.SHA256 = sha256.Sum256(x.plain[starts[i] : starts[i]+int64(e.Size)])
	}
	return encode(doc)
}

// payload encrypts the first bytes of the plaintext.
func (x *authoredFuzz) payload(t *testing.T, s *tgspcrypto.Stream, h LeafHash, size int64) (cipher, tree []byte, root Hash) {
	t.Helper()
	rest := x.plain[:size]
	for chunk := int64(0); ; chunk++ {
		n := min(len(rest), tgspcrypto.ChunkSize)
		cipher = s.SealChunk(cipher, rest[:n], chunk)
		rest = rest[n:]
		if n < tgspcrypto.ChunkSize {
			break
		}
	}
	b := &batch{cipher: cipher}
	b.hash(h)
	tiles := newTileStream(int64(len(b.digests)), func(_ int64, tile []byte) error { tree = append(tree, tile...); return nil })
	for _, digest := range b.digests {
		check(t, tiles.builder.add(digest))
	}
	root, err := tiles.finish()
	check(t, err)
	return cipher, tree, root
}

// FuzzAuthored is behind all signatures: the author is trusted, and malicious.
// The reader stays in its memory, and what it serves agrees with itself.
func FuzzAuthored(f *testing.F) {
	x := &authoredFuzz{
		author: frozenAuthor(f), ids: frozenIdentities(f, tgspcrypto.X25519), dek: bytes.Repeat([]byte{7}, tgspcrypto.KeySize),
		plain: randomFiles(map[string]int{"": maxAuthored})[""],
	}
	tables := append(seedTables(f),
		encode(indexDoc{Files: []Entry{{Path: "a/b", Size: leafPlaintext, Mode: modeFile}, {Path: "c", Size: 999, Mode: modeExecutable}, {Path: "d", Mode: modeFile}}, Folders: []string{"a/e"}, Metadata: "{}"}),
		encode(indexDoc{Files: []Entry{{Path: "m.gguf", Size: 16384, Mode: modeFile}}, Folders: []string{}, Weights: []WeightsEntry{{Info: WeightsInfo{Format: "gguf", DTypes: map[string]uint64{"F32": 1}}}}}))
	for _, e := range seedEnvelopes(f) {
		for _, table := range tables[len(tables)-5:] {
			f.Add(e.doc.Manifest, table, uint8(fitManifest|fitHashes|andVerify))
			f.Add(e.doc.Manifest, table, uint8(fitManifest))
		}
	}
	f.Fuzz(func(t *testing.T, manifest, table []byte, fit uint8) {
		data := x.build(t, manifest, table, fit)
		if data != nil {
			inMemory(t, len(data), func() { x.read(t, data, fit) })
		}
	})
}

func (x *authoredFuzz) read(t *testing.T, data []byte, fit uint8) {
	trust := &Trust{Keys: []TrustedKey{{Key: x.author.Public(), Role: RoleAuthor}}}
	file, err := NewFile(bytes.NewReader(data), int64(len(data)))
	typed(t, err)
	if err != nil {
		return
	}
	a, err := file.Accept(trust)
	typed(t, err)
	if err != nil {
		return
	}
	m := a.Manifest()
	facts := Facts{Now: created}
	if len(m.Policy.TargetFleet) > 0 {
		facts.Fleets = []Membership{{Fleet: FleetID(m.Policy.TargetFleet), ValidUntil: created.Add(1)}}
	}
	r, err := a.Open(facts, x.ids)
	typed(t, err)
	var verifyErr error
	if fit&andVerify != 0 {
		_, verifyErr = file.Verify(t.Context(), VerifyOptions{Trust: trust, Identities: x.ids, Facts: facts, At: &facts.Now})
		typed(t, verifyErr)
		if err != nil && verifyErr == nil {
			t.Errorf("verify takes what does not open: %v", err)
		}
	}
	if err != nil {
		return
	}
	rightHashes := true
	for i, e := range r.Files() {
		want := x.plain[r.Place(i) : r.Place(i)+int64(e.Size)]
		got := make([]byte, e.Size+1)
		n, err := r.ReadFileAt(i, got, 0)
		if !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
			t.Fatalf("%+v: %d bytes, %v", e, n, err)
		}
		rightHashes = rightHashes && e.SHA256 == sha256.Sum256(want)
	}
	if fit&andVerify != 0 && rightHashes != (verifyErr == nil) {
		t.Errorf("all hashes are right: %v, and verify says: %v", rightHashes, verifyErr)
	}
}
