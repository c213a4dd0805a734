// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// forge is a package in the hands of somebody who knows its data key, and who
// may have the author's keys too. What it makes of the package becomes a case
// of the test kit.
type forge struct {
	*testing.T
	kit.Case
	kitKeys
	model  map[string][]byte
	data   []byte
	layout layout
	doc    envelopeDoc
	dek    []byte
	fleet  *fleetFixture // for which the package is; nil where it is for the reader
	epoch  *FleetEpoch   // of that fleet
}

// kitKeys are the people of the kit.
type kitKeys struct {
	author   *tgspcrypto.AuthorKey // trusted as author
	manager  *tgspcrypto.AuthorKey // trusted where a case says so
	stranger *tgspcrypto.AuthorKey // trusted by nobody
	reader   *tgspcrypto.Identity  // for whom the packages are
	other    *tgspcrypto.Identity  // anybody else with an identity

	authority *tgspcrypto.AuthorityKey // of the fleet that packages are for
	rival     *tgspcrypto.AuthorityKey // of another fleet
	hybrid    *tgspcrypto.Identity     // the reader, where keys are hybrid
	agents    []*tgspcrypto.Identity   // more agents of the fleet
}

func newKitKeys(t *testing.T) kitKeys {
	t.Helper()
	author := func(name string) *tgspcrypto.AuthorKey {
		seed := sha256.Sum256([]byte("tgsp test kit, author key of the " + name))
		key, err := tgspcrypto.NewAuthorKey(seed[:])
		check(t, err)
		return key
	}
	identity := func(name string) *tgspcrypto.Identity {
		seed := sha256.Sum256([]byte("tgsp test kit, identity of the " + name))
		id, err := tgspcrypto.NewIdentity(tgspcrypto.X25519, seed[:])
		check(t, err)
		return id
	}
	k := kitKeys{author: author("author"), manager: author("manager"), stranger: author("stranger"), reader: identity("reader"), other: identity("other")}
	k.fleetKeys(t, identity)
	return k
}

// kitTime is the clock of the kit's readers.
var kitTime = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

// tinyModel fits into one chunk, so that a case takes little room.
func tinyModel() map[string][]byte {
	return kitFiles(map[string]int{"config.json": 120, "empty": 0, "sub/weights.bin": 700})
}

// kitFiles fills each file by its name, so that the kit is the same every time.
func kitFiles(sizes map[string]int) map[string][]byte {
	files := map[string][]byte{}
	for name, size := range sizes {
		files[name] = make([]byte, size)
		rand.NewChaCha8(sha256.Sum256([]byte(name))).Read(files[name]) //nolint:errcheck // never fails
	}
	return files
}

// leafyModel takes two leaves of the hash tree: b.bin lies in both.
func leafyModel() map[string][]byte {
	return kitFiles(map[string]int{"a.bin": 100, "b.bin": 66_000, "c.bin": 300})
}

// kitPolicy has all clauses of a window, which is open.
var kitPolicy = Policy{NotBefore: 1767225600, NotAfter: 4102444800, GraceSeconds: 3600}

// newForge packs a model for the kit. All randomness comes from the name of the
// test and a label, so that a package is the same every time, whatever else was
// made before, and however much of it packing takes.
func newForge(t *testing.T, label string, model map[string][]byte, change func(*PackOptions)) *forge {
	t.Helper()
	return newForgeFor(t, label, nil, model, change)
}

// newForgeFor packs it for the present epoch of a fleet, or for the reader.
func newForgeFor(t *testing.T, label string, x *fleetFixture, model map[string][]byte, change func(*PackOptions)) *forge {
	t.Helper()
	seed(t, label)
	defer seed(t, label+", packed")
	f := &forge{T: t, kitKeys: newKitKeys(t), model: model, fleet: x}
	o := PackOptions{
		PackageID: "kit/model", Version: "1.2.3", CreatedAt: created, Author: f.author, Recipients: []*tgspcrypto.Recipient{f.reader.Recipient()},
		Policy: kitPolicy, Metadata: []byte(`{"kit": true}`), Annotations: map[string]string{"note": "a package of the test kit"},
	}
	if x != nil {
		f.epoch = NewFleetEpoch(x.file)
		o.Recipients, o.Fleet = nil, f.epoch
	}
	if change != nil {
		change(&o)
	}
	src, err := Scan(writeModel(t, model), SourceOptions{})
	check(t, err)
	out, err := os.Create(filepath.Join(t.TempDir(), "kit.tgsp"))
	check(t, err)
	f.load(written(t, out, src, o))
	check(t, out.Close())
	f.At = kitTime
	f.Trusted = []kit.Trusted{{Role: string(RoleAuthor), Key: f.author.Public().String()}}
	f.identify(f.reader)
	return f
}

// identify gives the reader these identities and no others.
func (f *forge) identify(ids ...*tgspcrypto.Identity) {
	f.Helper()
	f.Identities = nil
	for _, id := range ids {
		secret, err := id.SecretLine()
		check(f, err)
		f.Identities = append(f.Identities, secret)
	}
}

func seed(t *testing.T, label string) {
	sum := sha256.Sum256([]byte(t.Name() + ", " + label))
	cryptotest.SetGlobalRandom(t, binary.BigEndian.Uint64(sum[:]))
}

// load takes a package apart.
func (f *forge) load(data []byte) {
	f.Helper()
	f.data, f.layout = data, mustLayout(f, data)
	file, err := NewFile(bytes.NewReader(data), int64(len(data)))
	check(f, err)
	f.doc = file.Claims().doc
	var facts Facts
	if f.fleet != nil {
		facts.Fleets = []Membership{f.fleet.holder()}
	}
	f.dek, err = unwrap(file.Claims().recipients, f.doc.Manifest, facts, []*tgspcrypto.Identity{f.reader})
	check(f, err)
}

// refused is the answer to packages that nobody takes.
func (f *forge) refused(k kit.Outcome) {
	f.Public, f.Verify, f.Open, f.Extract, f.Change, f.Repair = k, k, k, k, k, k
}

// opens is the answer to packages with nothing wrong.
func (f *forge) opens() {
	f.refused(kit.OK)
	f.serves(nil)
}

// inside is the answer to packages whose defect is seen by those alone who can
// decrypt the index.
func (f *forge) inside(k kit.Outcome) {
	f.Public, f.Verify, f.Open, f.Extract, f.Change, f.Repair = kit.OK, k, k, k, kit.OK, kit.OK
}

// body is the answer to packages with an index that the author did not sign:
// the envelope can be changed without looking at it.
func (f *forge) body() {
	f.refused(kit.Altered)
	f.Change, f.Repair = kit.OK, kit.OK
}

// payload is the answer to packages that open, and whose files give their bytes
// up to the place that is told, by file; those not named give all.
func (f *forge) payload(broken map[string]int64) {
	f.body()
	f.Open = kit.OK
	f.serves(broken)
}

// unfinished is the answer to packages in the middle of a change.
func (f *forge) unfinished() {
	f.opens()
	f.Public, f.Verify, f.Extract = kit.Unfinished, kit.Unfinished, kit.Unfinished
}

// serves states what each file gives.
func (f *forge) serves(broken map[string]int64) {
	f.Files = nil
	all := sha256.New()
	for _, e := range f.table().Files {
		data, outcome := f.model[e.Path], kit.OK
		if n, ok := broken[e.Path]; ok {
			data, outcome = data[:n], kit.Altered
		}
		f.Files = append(f.Files, kit.File{Path: e.Path, Outcome: outcome, Length: int64(len(data)), SHA256: sha256.Sum256(data)})
		all.Write(data)
	}
	f.Released = [32]byte(all.Sum(nil))
}

// put writes an envelope into a slot, whatever is in it, and zeros behind it.
func (f *forge) put(slot int, envelope []byte) {
	b := f.slot(slot)
	clear(b)
	binary.BigEndian.PutUint32(b, uint32(len(envelope)))
	copy(b[slotPrefix:], envelope)
}

// slot is a slot's bytes.
func (f *forge) slot(slot int) []byte {
	from := f.layout.slotOffset(slot)
	return f.data[from : from+f.layout.slotSize]
}

// resign signs the envelope as it stands in doc, and puts it into slot A.
func (f *forge) resign(key *tgspcrypto.AuthorKey) { f.resignIn(0, key) }

func (f *forge) resignIn(slot int, key *tgspcrypto.AuthorKey) {
	f.doc.EnvelopeSignature = newSignature(key, EnvelopeType, f.doc.signed())
	f.put(slot, encode(f.doc))
}

// release signs a manifest's bytes as its author would, wraps the data key for
// it anew, and puts the envelope into slot A.
func (f *forge) release(author *tgspcrypto.AuthorKey, manifest []byte) {
	f.Helper()
	f.doc.Manifest, f.doc.Signatures = manifest, nil
	f.wrap()
	f.doc.sign(author)
	f.resign(author)
}

// wrap makes the data key's entry for the manifest as it stands in doc.
func (f *forge) wrap() {
	f.Helper()
	check(f, f.doc.wrapTo([]*tgspcrypto.Recipient{f.reader.Recipient()}, f.epoch, f.dek))
}

func (f *forge) manifest() *Manifest {
	f.Helper()
	m, err := parseManifest(f.doc.Manifest)
	check(f, err)
	return m
}

// authored is the author's own act: the release of a changed manifest.
func (f *forge) authored(change func(*Manifest)) {
	m := f.manifest()
	change(m)
	f.release(f.author, encode(m))
}

// index, tree and chunks are the sections of the body.
func (f *forge) index() []byte {
	return f.data[f.layout.indexOffset():f.layout.treeOffset()]
}

func (f *forge) tree() []byte {
	return f.data[f.layout.treeOffset():f.layout.gapOffset()]
}

func (f *forge) chunks() []byte { return f.data[f.layout.payloadOffset():] }

// table is the index's table.
func (f *forge) table() *indexDoc {
	f.Helper()
	doc, _, err := parseIndex(f.indexPlain(), int64(f.manifest().PayloadLength))
	check(f, err)
	return doc
}

func (f *forge) indexPlain() []byte {
	f.Helper()
	plain, err := tgspcrypto.OpenMessage(f.manifest().Suite, f.dek, f.index(), indexContext)
	check(f, err)
	return plain
}

// sealIndex encrypts the index's plaintext with the right key.
func (f *forge) sealIndex(plain []byte) {
	f.Helper()
	sealed, err := tgspcrypto.SealMessage(f.manifest().Suite, f.dek, plain, indexContext)
	check(f, err)
	if len(sealed) != len(f.index()) {
		f.Fatalf("an index of %d bytes in place of %d", len(sealed), len(f.index()))
	}
	copy(f.index(), sealed)
}

// sealTable encrypts a table's bytes as an index, in the length that it had.
func (f *forge) sealTable(table []byte) {
	f.Helper()
	plain := f.indexPlain()
	clear(plain)
	if len(table) > len(plain)-indexPrefix {
		f.Fatalf("a table of %d bytes does not fit", len(table))
	}
	binary.BigEndian.PutUint32(plain, uint32(len(table)))
	copy(plain[indexPrefix:], table)
	f.sealIndex(plain)
}

// authoredIndex has the author sign the index as it is now encrypted.
func (f *forge) authoredIndex() {
	f.authored(func(m *Manifest) { m.IndexHash = sha256.Sum256(f.index()) })
}

// authoredTable is a changed table that the author has signed.
func (f *forge) authoredTable(change func(*indexDoc)) {
	f.Helper()
	doc := f.table()
	change(doc)
	f.sealTable(encode(doc))
	f.authoredIndex()
}

// sealChunk encrypts one chunk of the payload with the right key and nonce.
func (f *forge) sealChunk(n int, plain []byte) {
	f.Helper()
	at := f.chunks()[n*tgspcrypto.EncryptedChunkSize:]
	sealed := f.stream().SealChunk(nil, plain, int64(n))
	copy(at[:min(len(at), tgspcrypto.EncryptedChunkSize)], sealed)
}

func (f *forge) openChunk(n int) []byte {
	f.Helper()
	at := f.chunks()[n*tgspcrypto.EncryptedChunkSize:]
	plain, err := f.stream().OpenChunk(nil, at[:min(len(at), tgspcrypto.EncryptedChunkSize)], int64(n))
	check(f, err)
	return plain
}

func (f *forge) stream() *tgspcrypto.Stream {
	f.Helper()
	m := f.manifest()
	s, err := tgspcrypto.NewStream(m.Suite, f.dek, m.PayloadSalt[:], payloadContext)
	check(f, err)
	return s
}

// growTree rebuilds the tree's section from the payload and returns its root.
func (f *forge) growTree() Hash {
	f.Helper()
	tree := slices.Clone(f.tree())
	tiles := newTileStream(f.layout.leaves(), func(off int64, tile []byte) error {
		copy(tree[off:], tile)
		return nil
	})
	for leaf := range f.layout.leaves() {
		off, n := f.layout.leafRange(leaf)
		check(f, tiles.builder.add(leafDigest(f.manifest().LeafHash, f.chunks()[off:off+n])))
	}
	root, err := tiles.finish()
	check(f, err)
	copy(f.tree(), tree)
	return root
}

// kitCase describes one case.
type kitCase struct {
	name  string
	about string
	model func() map[string][]byte // nil for tinyModel
	vary  bool                     // made for every suite and leaf hash
	fleet tgspcrypto.KEM           // for a fleet with this kind of keys; empty for the reader
	pack  func(*PackOptions)       // nil for the usual options
	do    func(f *forge)
}

// slug makes a name of words.
func slug(words ...any) string {
	var b strings.Builder
	for _, r := range strings.ToLower(fmt.Sprintln(words...)) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
