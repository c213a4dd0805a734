// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// opened is a package taken apart by somebody who knows its data key.
type opened struct {
	*fixture
	data   []byte
	layout layout
	doc    envelopeDoc
	dek    []byte
}

func takeApart(t *testing.T) *opened {
	t.Helper()
	return takeApartModel(t, smallModel())
}

func takeApartModel(t *testing.T, files map[string][]byte) *opened {
	t.Helper()
	x := pack(t, files, nil)
	o := &opened{fixture: x, data: x.bytes(t)}
	o.layout = mustLayout(t, o.data)
	f, err := NewFile(bytes.NewReader(o.data), int64(len(o.data)))
	check(t, err)
	accepted, err := f.Accept(x.trust())
	check(t, err)
	o.doc = accepted.doc
	o.dek, err = accepted.dataKey(Facts{}, x.identities())
	check(t, err)
	return o
}

// envelope puts an envelope into the first slot, whatever is in it.
func (o *opened) envelope(doc envelopeDoc) {
	encoded := encode(doc)
	slot := make([]byte, o.layout.slotSize)
	slot[0], slot[1], slot[2], slot[3] = byte(len(encoded)>>24), byte(len(encoded)>>16), byte(len(encoded)>>8), byte(len(encoded))
	copy(slot[4:], encoded)
	copy(o.data[o.layout.slotOffset(0):], slot)
}

// resign signs what stands in doc with a key and puts it in place.
func (o *opened) resign(key *tgspcrypto.AuthorKey) {
	o.doc.EnvelopeSignature = newSignature(key, EnvelopeType, o.doc.signed())
	o.envelope(o.doc)
}

// refused makes sure that neither verify nor reading takes the package.
func refused[E error](t *testing.T, what string, o *opened) {
	t.Helper()
	if err := o.verifyBytes(o.data); !errors.As(err, new(E)) {
		t.Errorf("%s: verify: %v, want %T", what, err, *new(E))
	}
	if _, err := o.open(o.data); err == nil {
		t.Errorf("%s: it was opened", what)
	}
}

func entry(fields map[string]any) cbor.RawMessage { return encode(fields) }

// TestEntriesOfLaterVersions adds a recipient and a signature of kinds that this
// version does not know: both are skipped, and shown.
func TestEntriesOfLaterVersions(t *testing.T) {
	o := takeApart(t)
	o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"type": "FUTURE", "algorithm": uint64(1), "key": []byte{1}, "more": map[string]any{"a": []any{uint64(1), "x", true}}}))
	o.doc.Signatures = append(o.doc.Signatures, entry(map[string]any{"algorithm": "ML-DSA-65", "type": true, "signature": []byte{1, 2}}))
	o.resign(o.author)
	check(t, o.verifyBytes(o.data))
	r, err := o.open(o.data)
	check(t, err)
	o.checkContents(t, r)
	e := r.Envelope()
	if got := e.Recipients()[1]; got.Type != "FUTURE" || got.String() != "FUTURE" || got.Matches(o.identity.Recipient()) {
		t.Errorf("%+v", got)
	}
	if got := e.UnknownSignatures(); len(got) != 1 || got[0] != "ML-DSA-65" {
		t.Errorf("%v", got)
	}
	if len(e.Signers()) != 1 || e.Author() != o.author.Public() || e.Signer() != o.author.Public() || e.ManifestHash() != sha256.Sum256(o.doc.Manifest) {
		t.Errorf("signed by %v", e.Signers())
	}
}

func TestForgedEnvelopes(t *testing.T) {
	stranger := tgspcrypto.GenerateAuthorKey()
	wrong := func(o *opened, change func(s *signature)) {
		s := newSignature(o.author, ManifestType, o.doc.Manifest)
		change(s)
		o.doc.Signatures = []cbor.RawMessage{encode(s)}
	}
	type change = func(o *opened)
	for what, c := range map[string]change{
		"two signatures by one key": func(o *opened) { o.doc.Signatures = append(o.doc.Signatures, o.doc.Signatures[0]) },
		"unknown entry with a float": func(o *opened) {
			o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"type": "FUTURE", "x": 1.5}))
		},
		"unknown entry, unsorted": func(o *opened) {
			o.doc.Recipients = append(o.doc.Recipients, cbor.RawMessage("\xa2\x64type\x61F\x61a\x01"))
		},
		"unknown entry, long integer": func(o *opened) {
			o.doc.Recipients = append(o.doc.Recipients, cbor.RawMessage("\xa2\x61a\x18\x01\x64type\x61F"))
		},
		"entry without a type": func(o *opened) { o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"x": "y"})) },
		"entry that is no map": func(o *opened) { o.doc.Recipients = append(o.doc.Recipients, encode("x")) },
		"entry that is huge": func(o *opened) {
			o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"type": "FUTURE", "x": make([]byte, maxStanza)}))
		},
		"signature without a kind": func(o *opened) { o.doc.Signatures = append(o.doc.Signatures, entry(map[string]any{"x": "y"})) },
		"known entry, short": func(o *opened) {
			o.doc.Recipients[0] = encode(stanza{Type: tgspcrypto.X25519, Enc: []byte{1}, WrappedKey: []byte{2}})
		},
		"too many recipients": func(o *opened) {
			for range maxRecipients {
				o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"type": "F"}))
			}
		},
		"envelope by unknown means": func(*opened) {},
	} {
		o := takeApart(t)
		c(o)
		o.resign(o.author)
		if what == "envelope by unknown means" {
			o.doc.EnvelopeSignature.Algorithm = "ML-DSA-65"
			o.envelope(o.doc)
		}
		refused[*FormatError](t, what, o)
	}
	for what, c := range map[string]change{
		"no signature": func(o *opened) { o.doc.Signatures = []cbor.RawMessage{} },
		"only a stranger's": func(o *opened) {
			o.doc.Signatures = []cbor.RawMessage{encode(newSignature(stranger, ManifestType, o.doc.Manifest))}
		},
		"a changed signature":   func(o *opened) { wrong(o, func(s *signature) { s.Signature[0] ^= 1 }) },
		"another key beside it": func(o *opened) { wrong(o, func(s *signature) { copy(s.PublicKey[:], stranger.Public().Bytes()) }) },
		"a low-order key":       func(o *opened) { wrong(o, func(s *signature) { s.PublicKey = [32]byte{1} }) },
		"signed as another thing": func(o *opened) {
			o.doc.Signatures = []cbor.RawMessage{encode(newSignature(o.author, EnvelopeType, o.doc.Manifest))}
		},
	} {
		o := takeApart(t)
		c(o)
		o.resign(o.author)
		refused[*SignatureError](t, what, o)
	}
	// Damage to the form comes first, whatever else is wrong.
	for what, c := range map[string]change{
		"a wrong signature beside an unknown one with null": func(o *opened) {
			wrong(o, func(s *signature) { s.Signature[0] ^= 1 })
			o.doc.Signatures = append(o.doc.Signatures, entry(map[string]any{"algorithm": "F", "x": nil}))
		},
		"two wrong signatures by one key": func(o *opened) {
			wrong(o, func(s *signature) { s.Signature[0] ^= 1 })
			o.doc.Signatures = append(o.doc.Signatures, o.doc.Signatures[0])
		},
		"a changed manifest with another preamble's numbers": func(o *opened) {
			m := o.manifest(t)
			m.SlotSize += pageSize
			o.doc.Manifest = encode(m)
		},
	} {
		o := takeApart(t)
		c(o)
		o.envelope(o.doc)
		refused[*FormatError](t, what, o)
	}
	o := takeApart(t)
	o.doc.EnvelopeSignature = nil
	o.envelope(o.doc)
	refused[*SignatureError](t, "envelope without a signature", o)
	o = takeApart(t)
	o.doc.Recipients = append(o.doc.Recipients, entry(map[string]any{"type": "FUTURE"}))
	o.envelope(o.doc)
	refused[*SignatureError](t, "entry added without signing", o)
	o = takeApart(t)
	o.resign(stranger)
	refused[*UntrustedError](t, "envelope signed by a stranger", o)
}

// TestInsiderChangesPayload seals another chunk with the right key and nonce.
func TestInsiderChangesPayload(t *testing.T) {
	o := takeApart(t)
	m := o.manifest(t)
	stream, err := tgspcrypto.NewStream(m.Suite, o.dek, m.PayloadSalt[:], payloadContext)
	check(t, err)
	forged := stream.SealChunk(nil, bytes.Repeat([]byte("evil"), tgspcrypto.ChunkSize/4), 0)
	copy(o.data[o.layout.payloadOffset():], forged)
	if err := o.verifyBytes(o.data); !errors.As(err, new(*AlteredError)) {
		t.Errorf("verify: %v", err)
	}
	r, err := o.open(o.data)
	check(t, err)
	for i, e := range r.Files() {
		got := make([]byte, e.Size)
		n, err := r.ReadFileAt(i, got, 0)
		if !bytes.Equal(got[:n], o.files[e.Path][:n]) {
			t.Errorf("%s: bytes were released that the author did not sign", e.Path)
		}
		if r.Place(i) < leafPlaintext && e.Size > 0 && !errors.As(err, new(*AlteredError)) {
			t.Errorf("%s: %v", e.Path, err)
		}
	}
}

func (o *opened) manifest(t *testing.T) *Manifest {
	t.Helper()
	m, err := parseManifest(o.doc.Manifest)
	check(t, err)
	return m
}

// index seals a changed index with the right key.
func (o *opened) index(t *testing.T, change func(*indexDoc)) []byte {
	t.Helper()
	m := o.manifest(t)
	sealed := o.data[o.layout.indexOffset() : o.layout.indexOffset()+o.layout.index]
	plain, err := tgspcrypto.OpenMessage(m.Suite, o.dek, sealed, indexContext)
	check(t, err)
	doc, _, err := parseIndex(plain, int64(m.PayloadLength))
	check(t, err)
	change(doc)
	table := encode(doc)
	clear(plain[indexPrefix:])
	plain[0], plain[1], plain[2], plain[3] = byte(len(table)>>24), byte(len(table)>>16), byte(len(table)>>8), byte(len(table))
	copy(plain[indexPrefix:], table)
	again, err := tgspcrypto.SealMessage(m.Suite, o.dek, plain, indexContext)
	check(t, err)
	copy(sealed, again)
	return again
}

// authored signs a changed manifest as the author would, and wraps the key anew.
func (o *opened) authored(t *testing.T, change func(*Manifest)) {
	t.Helper()
	m := o.manifest(t)
	change(m)
	o.doc.Manifest, o.doc.Signatures = encode(m), nil
	check(t, o.doc.wrapAll([]*tgspcrypto.Recipient{o.identity.Recipient()}, o.dek))
	o.doc.sign(o.author)
	o.resign(o.author)
}

func TestInsiderChangesIndex(t *testing.T) {
	for what, change := range map[string]func(*indexDoc){
		"name": func(d *indexDoc) { d.Files[0].Path = "evil" },
		"hash": func(d *indexDoc) { d.Files[0].SHA256[0] ^= 1 },
		"mode": func(d *indexDoc) { d.Files[0].Mode = modeExecutable },
	} {
		o := takeApart(t)
		o.index(t, change)
		refused[*AlteredError](t, what, o)
	}
}

// TestAuthorsOwnLies are packages that a trusted author has signed and that
// still cannot be right.
func TestAuthorsOwnLies(t *testing.T) {
	for what, change := range map[string]func(*indexDoc){
		"path outside":      func(d *indexDoc) { d.Files[0].Path = "../evil" },
		"larger than it is": func(d *indexDoc) { d.Files[0].Size++ },
		"odd mode":          func(d *indexDoc) { d.Files[0].Mode = 0o4755 },
		"name twice":        func(d *indexDoc) { d.Files[1].Path = d.Files[0].Path },
		"no JSON":           func(d *indexDoc) { d.Metadata = "[" },
		"foreign weights":   func(d *indexDoc) { d.Weights = []WeightsEntry{{File: 99}} },
	} {
		o := takeApart(t)
		sealed := o.index(t, change)
		o.authored(t, func(m *Manifest) { m.IndexHash = sha256.Sum256(sealed) })
		refused[*FormatError](t, what, o)
	}

	o := takeApart(t)
	sealed := o.index(t, func(d *indexDoc) { d.Files[len(d.Files)-1].SHA256[0] ^= 1 })
	o.authored(t, func(m *Manifest) { m.IndexHash = sha256.Sum256(sealed) })
	altered := new(AlteredError)
	if err := o.verifyBytes(o.data); !errors.As(err, &altered) || altered.Part != "file" || altered.Path == "" {
		t.Errorf("a wrong hash in the index: %v", err)
	}
}

// TestBadManifests signs manifests that no packer writes.
func TestBadManifests(t *testing.T) {
	for what, change := range map[string]func(*Manifest){
		"version of the format": func(m *Manifest) { m.FormatVersion = 2 },
		"package id":            func(m *Manifest) { m.PackageID = "Acme" },
		"version":               func(m *Manifest) { m.Version = "1" },
		"time":                  func(m *Manifest) { m.CreatedAt = 1 << 60 },
		"suite":                 func(m *Manifest) { m.Suite = "AEAD_NONE" },
		"leaf hash":             func(m *Manifest) { m.LeafHash = "MD5" },
		"slot size":             func(m *Manifest) { m.SlotSize += pageSize },
		"index length":          func(m *Manifest) { m.IndexLength-- },
		"tree length":           func(m *Manifest) { m.TreeLength++ },
		"payload length":        func(m *Manifest) { m.PayloadLength++ },
		"fleet":                 func(m *Manifest) { m.Policy.TargetFleet = []byte{1} },
		"window":                func(m *Manifest) { m.Policy.NotBefore, m.Policy.NotAfter = 2000, 1000 },
		"grace without an end":  func(m *Manifest) { m.Policy.GraceSeconds = 1 },
		"annotations":           func(m *Manifest) { m.Annotations = map[string]string{strings.Repeat("x", 1<<16): ""} },
	} {
		o := takeApart(t)
		o.authored(t, change)
		refused[*FormatError](t, what, o)
	}
}

func TestTextsOfTrust(t *testing.T) {
	for s, want := range map[string]*Expectation{
		"acme/m": {PackageID: "acme/m"}, "acme/m@1.2.3": {PackageID: "acme/m", Version: "1.2.3"}, "acme/m@1.2.3-rc.1+b": {PackageID: "acme/m", Version: "1.2.3-rc.1+b"},
		"": nil, "@1.0.0": nil, "acme/m@": nil, "acme/m@1": nil, "ACME": nil, "a b": nil,
	} {
		got, err := ParseExpectation(s)
		if (err == nil) != (want != nil) || want != nil && *got != *want {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for s, want := range map[string]bool{"a": true, "a/*": true, "a/**": true, "**": true, "a?": true, "": false, "[": false, "a/**/b": false, "**a": false} {
		if err := CheckPattern(s); (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, want := range map[string]bool{"author": true, "envelope": true, "": false, "Author": false, "king": false} {
		if _, err := ParseRole(s); (err == nil) != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestAlteredSaysWhere changes a byte of the second leaf: whoever decrypts is
// told where that leaf lies, in the package or in the file.
func TestAlteredSaysWhere(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 3 * leafPlaintext}), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	data[l.payloadOffset()+LeafSize+100] ^= 1
	altered := new(AlteredError)
	if err := x.verifyBytes(data); !errors.As(err, &altered) || altered.Offset != l.payloadOffset()+LeafSize || altered.Part != "payload" {
		t.Errorf("verify: %v, want offset %d", err, l.payloadOffset()+LeafSize)
	}
	r, err := x.open(data)
	check(t, err)
	for _, from := range []int64{0, leafPlaintext, leafPlaintext + 77} {
		n, err := r.ReadFileAt(0, make([]byte, 2*leafPlaintext-from), from)
		if !errors.As(err, &altered) || altered.Offset != leafPlaintext || altered.Path != "a" || int64(n) != max(leafPlaintext-from, 0) {
			t.Errorf("read from %d: %d bytes, %v", from, n, err)
		}
	}
	if n, err := r.ReadFileAt(0, make([]byte, 100), 2*leafPlaintext); n != 100 || err != nil {
		t.Errorf("the leaf after it: %d bytes, %v", n, err)
	}
}
