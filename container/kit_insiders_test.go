// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var emptyHash = sha256.Sum256(nil)

// secondLeaf is how much of b.bin in leafyModel lies in the first leaf.
const secondLeaf = leafPlaintext - 100

// kitInsiders are by a recipient, who has the data key and no author's key; and
// by an author whose own signed bytes contradict each other.
func kitInsiders() []kitCase {
	evil := bytes.Repeat([]byte("evil"), 64)
	firstLeaf := map[string]int64{"a.bin": 0, "b.bin": 0}
	lastLeaf := map[string]int64{"b.bin": secondLeaf, "c.bin": 0}
	all := map[string]int64{"a.bin": 0, "b.bin": 0, "c.bin": 0}
	cases := []kitCase{
		{
			name: "insider chunk", about: "a recipient has encrypted another first chunk with the right key and nonce", model: leafyModel,
			do: func(f *forge) {
				f.payload(firstLeaf)
				plain := f.openChunk(0)
				copy(plain, evil)
				f.sealChunk(0, plain)
			},
		},
		{
			name: "insider last chunk", about: "a recipient has encrypted another last chunk with the right key and nonce", model: leafyModel,
			do: func(f *forge) {
				f.payload(lastLeaf)
				plain := f.openChunk(4)
				copy(plain[len(plain)-100:], evil)
				f.sealChunk(4, plain)
			},
		},
		{
			name: "insider chunks swapped", about: "a recipient has exchanged two chunks and encrypted each for its new place", model: leafyModel,
			do: func(f *forge) {
				f.payload(firstLeaf)
				one, two := f.openChunk(1), f.openChunk(2)
				f.sealChunk(1, two)
				f.sealChunk(2, one)
			},
		},
		{
			name: "chunks swapped", about: "two chunks of ciphertext stand in each other's place", model: leafyModel,
			do: func(f *forge) {
				f.payload(firstLeaf)
				const size = tgspcrypto.EncryptedChunkSize
				one := bytes.Clone(f.chunks()[size : 2*size])
				copy(f.chunks()[size:], f.chunks()[2*size:3*size])
				copy(f.chunks()[2*size:], one)
			},
		},
		{
			name: "insider chunk and tree", about: "a recipient has encrypted another chunk and rewritten the stored tree to match", model: leafyModel,
			do: func(f *forge) {
				f.payload(all)
				plain := f.openChunk(0)
				copy(plain, evil)
				f.sealChunk(0, plain)
				f.growTree()
			},
		},
		{
			name: "insider new root", about: "a recipient has encrypted another chunk, and changed tree and content_hash to match, under the old signatures",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.evilRelease(evil)
				f.resign(f.author)
			},
		},
		{
			name: "insider new root unsigned", about: "the same, with the author's signature left out and the envelope signed by a stranger",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.evilRelease(evil)
				f.doc.Signatures = []cbor.RawMessage{}
				f.resign(f.stranger)
			},
		},
		{
			name: "insider new root strange signature", about: "the same, signed by a stranger in the author's name",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.evilRelease(evil)
				f.doc.Signatures = nil
				f.doc.sign(f.stranger)
				f.resign(f.stranger)
			},
		},
		{
			name: "insider own package", about: "the same, signed by a stranger in the stranger's own name",
			do: func(f *forge) {
				f.refused(kit.Untrusted)
				f.evilRelease(evil)
				m := f.manifest()
				m.AuthorID = f.stranger.Public().ID()
				f.release(f.stranger, encode(m))
			},
		},
		{
			name: "insider own package with the old signature", about: "the same, with the author's signature over the old manifest beside the stranger's",
			do: func(f *forge) {
				f.refused(kit.Signature)
				old := f.doc.Signatures[0]
				f.evilRelease(evil)
				m := f.manifest()
				m.AuthorID = f.stranger.Public().ID()
				f.release(f.stranger, encode(m))
				f.doc.Signatures = append(f.doc.Signatures, old)
				f.resign(f.stranger)
			},
		},
		{
			name: "insider policy", about: "a recipient has moved not_after and wrapped the key for the new manifest, under the old signature",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.editPolicy()
				f.resign(f.stranger)
			},
		},
		{
			name: "insider policy signed anew", about: "a recipient has moved not_after, wrapped the key anew and signed all as a stranger",
			do: func(f *forge) {
				f.refused(kit.Untrusted)
				f.editPolicy()
				m := f.manifest()
				m.AuthorID = f.stranger.Public().ID()
				f.release(f.stranger, encode(m))
			},
		},
		{
			name: "insider policy stripped", about: "a recipient has taken all clauses out of the policy, under the old signature",
			do: func(f *forge) {
				f.refused(kit.Signature)
				m := f.manifest()
				m.Policy = Policy{}
				f.doc.Manifest = encode(m)
				f.wrap()
				f.resign(f.stranger)
			},
		},
		{
			name: "insider index hash", about: "a recipient has encrypted another index and written its hash into the manifest, under the old signature",
			do: func(f *forge) {
				f.refused(kit.Signature)
				doc := f.table()
				doc.Files[0].Path = "evil.json"
				f.sealTable(encode(doc))
				m := f.manifest()
				m.IndexHash = sha256.Sum256(f.index())
				f.doc.Manifest = encode(m)
				f.wrap()
				f.resign(f.stranger)
			},
		},
		{
			name: "insider recipient", about: "a recipient has wrapped the key for somebody else, without signing the envelope anew",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.addRecipient(f.other.Recipient())
				f.put(0, encode(f.doc))
			},
		},
		{
			name: "insider recipient signed", about: "a recipient has wrapped the key for somebody else and signed the envelope as a stranger",
			do: func(f *forge) {
				f.refused(kit.Untrusted)
				f.addRecipient(f.other.Recipient())
				f.resign(f.stranger)
			},
		},
		{
			name: "stanza of another package", about: "the recipient's entry comes from another package of the author, and the envelope was not signed anew",
			do: func(f *forge) {
				f.refused(kit.Signature)
				f.doc.Recipients = []cbor.RawMessage{f.foreignStanza()}
				f.put(0, encode(f.doc))
			},
		},
		{
			name: "stanza of another package signed", about: "the recipient's entry comes from another package, and the author has signed the envelope",
			do: func(f *forge) {
				f.inside(kit.NoKey)
				f.Change = kit.NoKey
				f.doc.Recipients = []cbor.RawMessage{f.foreignStanza()}
				f.resign(f.author)
			},
		},
		{
			name: "stanza of another key", about: "the recipient's entry holds another data key, and the author has signed the envelope",
			do: func(f *forge) {
				f.inside(kit.Altered)
				r, err := wrapFor(f.reader.Recipient(), make([]byte, tgspcrypto.KeySize), f.doc.Manifest)
				check(f, err)
				f.doc.Recipients = []cbor.RawMessage{r.raw}
				f.resign(f.author)
			},
		},
		{
			name: "envelope of another package", about: "the envelope of another package of the author, with the same lengths, stands before this body",
			do: func(f *forge) {
				f.body()
				g := newForge(f.T, "foreign", kitFiles(map[string]int{"config.json": 120, "other": 0, "sub/weights.bin": 700}), nil)
				copy(f.slot(0), g.slot(0))
			},
		},
		{
			name: "stored tree", about: "a hash of the stored tree is changed, and root and payload are right", model: leafyModel,
			do: func(f *forge) {
				f.payload(all)
				f.tree()[40] ^= 1
			},
		},
		{
			name: "stored tree swapped", about: "two hashes of the stored tree stand in each other's place", model: leafyModel,
			do: func(f *forge) {
				f.payload(all)
				first := bytes.Clone(f.tree()[:32])
				copy(f.tree(), f.tree()[32:64])
				copy(f.tree()[32:], first)
			},
		},
		{
			name: "payload byte", about: "one bit of the payload is changed", model: leafyModel,
			do: func(f *forge) {
				f.payload(lastLeaf)
				f.chunks()[LeafSize+5] ^= 4
			},
		},
		{
			name: "payload last byte", about: "the last bit of the file is changed", model: leafyModel,
			do: func(f *forge) {
				f.payload(lastLeaf)
				f.data[len(f.data)-1] ^= 1
			},
		},
		{
			name: "payload zeroed", about: "the payload was overwritten with zeros", model: leafyModel,
			do: func(f *forge) {
				f.payload(all)
				clear(f.chunks())
			},
		},
		{
			name: "index byte", about: "one bit of the encrypted index is changed",
			do: func(f *forge) {
				f.body()
				f.index()[100] ^= 1
			},
		},
		{
			name: "index commitment", about: "one bit of the index's commitment is changed",
			do: func(f *forge) {
				f.body()
				f.index()[tgspcrypto.SaltSize] ^= 1
			},
		},
		{
			name: "gap", about: "a byte before the payload, which belongs to nothing, is not zero",
			do: func(f *forge) {
				f.opens()
				f.Public, f.Verify, f.Extract = kit.Altered, kit.Altered, kit.Altered
				f.data[f.layout.payloadOffset()-1] = 1
			},
		},
		{
			name: "signed chunk of nobody", about: "the author has signed a payload with a chunk that does not decrypt", model: leafyModel,
			do: func(f *forge) {
				f.payload(lastLeaf)
				f.Public = kit.OK
				f.chunks()[LeafSize] ^= 1
				f.authored(func(m *Manifest) { m.ContentHash = f.growTree() })
			},
		},
		{
			name: "signed index of nobody", about: "the author has signed an index that does not decrypt",
			do: func(f *forge) {
				f.inside(kit.Altered)
				f.index()[200] ^= 1
				f.authoredIndex()
			},
		},
		{
			name: "signed index commitment", about: "the author has signed an index with the commitment to another key",
			do: func(f *forge) {
				f.inside(kit.Altered)
				f.index()[tgspcrypto.SaltSize+3] ^= 1
				f.authoredIndex()
			},
		},
		{
			name: "signed payload commitment", about: "the author has signed the commitment to another key for the payload",
			do: func(f *forge) {
				f.inside(kit.Altered)
				f.authored(func(m *Manifest) { m.PayloadCommitment[31] ^= 1 })
			},
		},
		{
			name: "signed payload salt", about: "the author has signed another salt for the payload",
			do: func(f *forge) {
				f.inside(kit.Altered)
				f.authored(func(m *Manifest) { m.PayloadSalt[0] ^= 1 })
			},
		},
		{
			name: "signed suite", about: "the author has signed the other suite",
			do: func(f *forge) {
				f.inside(kit.Altered)
				f.authored(func(m *Manifest) {
					suites := tgspcrypto.Suites()
					m.Suite = suites[1-slices.Index(suites, m.Suite)]
				})
			},
		},
		{
			name: "signed leaf hash", about: "the author has signed the other leaf hash",
			do: func(f *forge) {
				f.payload(map[string]int64{"config.json": 0, "sub/weights.bin": 0})
				f.authored(func(m *Manifest) {
					hashes := LeafHashes()
					m.LeafHash = hashes[1-slices.Index(hashes, m.LeafHash)]
				})
			},
		},
		{
			name: "signed file hash", about: "the author has signed an index with the hash of other contents",
			do: func(f *forge) {
				f.opens()
				f.Verify, f.Extract = kit.Altered, kit.Altered
				f.authoredTable(func(d *indexDoc) { d.Files[0].SHA256[0] ^= 1 })
			},
		},
	}
	for what, change := range map[string]func(*indexDoc){
		"name":  func(d *indexDoc) { d.Files[0].Path = "evil.json" },
		"size":  func(d *indexDoc) { d.Files[0].Size++; d.Files[2].Size-- },
		"order": func(d *indexDoc) { slices.Reverse(d.Files) },
		"mode":  func(d *indexDoc) { d.Files[0].Mode = modeExecutable },
		"hash":  func(d *indexDoc) { d.Files[0].SHA256 = Hash{} },
	} {
		cases = append(cases, kitCase{
			name: "insider encrypted index " + what, about: "a recipient has encrypted the index anew, with another " + what + " of a file",
			do: func(f *forge) {
				f.body()
				doc := f.table()
				change(doc)
				f.sealTable(encode(doc))
			},
		})
	}
	for i := range cases {
		cases[i].vary = true
	}
	return cases
}

// evilRelease is a new body and a manifest that fits it.
func (f *forge) evilRelease(evil []byte) {
	f.Helper()
	plain := f.openChunk(0)
	copy(plain, evil)
	f.sealChunk(0, plain)
	m := f.manifest()
	m.ContentHash = f.growTree()
	f.doc.Manifest = encode(m)
	f.wrap()
}

func (f *forge) editPolicy() {
	f.Helper()
	m := f.manifest()
	m.Policy.NotAfter += 86400
	f.doc.Manifest = encode(m)
	f.wrap()
}

func (f *forge) addRecipient(r *tgspcrypto.Recipient) {
	f.Helper()
	entry, err := wrapFor(r, f.dek, f.doc.Manifest)
	check(f, err)
	f.doc.Recipients = append(slices.Clip(f.doc.Recipients), entry.raw)
}

// foreignStanza is the reader's entry of another package of the same author.
func (f *forge) foreignStanza() cbor.RawMessage {
	f.Helper()
	return newForge(f.T, "foreign", f.model, nil).doc.Recipients[0]
}
