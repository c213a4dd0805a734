// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// The documents of FORMAT.md, section 13, written down a second time, so that
// the kit can put anything into them.
type (
	kitFleetDoc struct {
		FormatVersion uint64   `cbor:"format_version"`
		Fleet         []byte   `cbor:"fleet_id"`
		Name          string   `cbor:"name"`
		Serial        uint64   `cbor:"serial"`
		Epoch         uint64   `cbor:"epoch"`
		KEM           string   `cbor:"kem"`
		PublicKey     []byte   `cbor:"public_key"`
		IssuedAt      uint64   `cbor:"issued_at"`
		ValidUntil    uint64   `cbor:"valid_until"`
		Agents        uint64   `cbor:"agents"`
		EntriesHash   []byte   `cbor:"entries_hash"`
		Links         [][]byte `cbor:"links"`
	}
	kitFleetFile struct {
		Document  []byte    `cbor:"document"`
		Signature signature `cbor:"signature"`
	}
	kitMember struct {
		Entry kitEntry `cbor:"entry"`
		Index uint64   `cbor:"index"`
		Proof [][]byte `cbor:"proof"`
	}
	kitEntry struct {
		Agent  []byte `cbor:"agent_id"`
		Enc    []byte `cbor:"enc"`
		Sealed []byte `cbor:"sealed"`
	}
	kitAbsent struct {
		Agent []byte        `cbor:"agent_id"`
		Left  *kitNeighbour `cbor:"left,omitempty"`
		Right *kitNeighbour `cbor:"right,omitempty"`
	}
	kitNeighbour struct {
		Agent []byte   `cbor:"agent_id"`
		Hash  []byte   `cbor:"entry_hash"`
		Index uint64   `cbor:"index"`
		Proof [][]byte `cbor:"proof"`
	}
	kitBundleDoc struct {
		File    []byte      `cbor:"fleet_file"`
		Members []kitMember `cbor:"members"`
		Absent  []kitAbsent `cbor:"absent"`
	}
)

// openedBundle is a bundle in the hands of somebody who may have the authority's key.
type openedBundle struct {
	testing.TB
	kitBundleDoc
}

func openBundle(t testing.TB, data []byte) *openedBundle {
	t.Helper()
	b := &openedBundle{TB: t}
	check(t, decode("bundle", data, &b.kitBundleDoc))
	return b
}

func (b *openedBundle) encode() []byte { return encode(b.kitBundleDoc) }

// file is the fleet file, taken apart.
func (b *openedBundle) file() (f kitFleetFile) {
	b.Helper()
	check(b, decode("fleet file", b.File, &f))
	return f
}

func (b *openedBundle) document() (d kitFleetDoc) {
	b.Helper()
	check(b, decode("fleet file", b.file().Document, &d))
	return d
}

// sign puts a document into the bundle, signed by a key.
func (b *openedBundle) sign(key *tgspcrypto.AuthorityKey, document []byte) {
	f := kitFleetFile{Document: document, Signature: signature{Algorithm: tgspcrypto.SignatureEd25519}}
	copy(f.Signature.PublicKey[:], key.Public().Bytes())
	copy(f.Signature.Signature[:], key.Sign(fleet.FileType, document))
	b.File = encode(f)
}

// authored is the authority's own act: a changed fleet file.
func (b *openedBundle) authored(key *tgspcrypto.AuthorityKey, change func(d *kitFleetDoc)) {
	b.Helper()
	d := b.document()
	change(&d)
	b.sign(key, encode(d))
}

// signature replaces the signature of the fleet file.
func (b *openedBundle) signature(change func(s *signature, document []byte)) {
	b.Helper()
	f := b.file()
	change(&f.Signature, f.Document)
	b.File = encode(f)
}

// bundleForge makes a case of what a fleet hands out.
type bundleForge struct {
	*testing.T
	kit.Case
	kitKeys
	*openedBundle
	fleet *fleetFixture
}

// bundleCase describes one.
type bundleCase struct {
	name, about string
	kem         tgspcrypto.KEM // empty for X25519
	do          func(f *bundleForge)
}

// make makes the bundle of an agent, the reader, in epoch 2 of a fleet of seven,
// and has the description change it.
func (c bundleCase) make(t *testing.T) *kit.Case {
	t.Helper()
	if c.kem == "" {
		c.kem = tgspcrypto.X25519
	}
	f := &bundleForge{T: t, kitKeys: newKitKeys(t), fleet: newKitFleet(t, c.kem)}
	f.ID, f.About, f.As = c.name, c.about, kit.BundleAs
	f.fleet.rotate()
	if c.kem != tgspcrypto.X25519 {
		f.reader = f.hybrid
	}
	f.identify(f.reader)
	f.load(f.reader)
	c.do(f)
	if f.Bundle == nil {
		f.Bundle = f.encode()
	}
	return &f.Case
}

// Helper settles which of the two is meant.
func (f *bundleForge) Helper() { f.T.Helper() }

// load starts from what these agents are handed together.
func (f *bundleForge) load(agents ...*tgspcrypto.Identity) {
	f.Helper()
	b := fleet.NewBundle(f.fleet.file)
	for _, agent := range agents {
		_, err := b.Add(fleet.NewAgentID(agent.Recipient()), f.fleet.entries)
		check(f.T, err)
	}
	f.openedBundle = openBundle(f.T, b.Encode())
}

func (f *bundleForge) identify(ids ...*tgspcrypto.Identity) {
	f.Identities = nil
	for _, id := range ids {
		secret, err := id.SecretLine()
		check(f.T, err)
		f.Identities = append(f.Identities, secret)
	}
}

// says is the answer to bundles that are taken.
func (f *bundleForge) says(agent string) { f.Accept, f.Agent = true, agent }

// signed changes the fleet file as its authority could by mistake.
func (f *bundleForge) signed(change func(d *kitFleetDoc)) { f.authored(f.authority, change) }

// alone leaves nothing of the bundle but its fleet file.
func (f *bundleForge) alone() { f.Bundle = f.File }

// neighbour is the entry at a place as it is shown to agents beside it.
func (f *bundleForge) neighbour(place int) *kitNeighbour {
	f.Helper()
	m := f.memberAt(place)
	sum := sha256.Sum256(slices.Concat(m.Entry.Enc, m.Entry.Sealed))
	return &kitNeighbour{m.Entry.Agent, sum[:], m.Index, m.Proof}
}

// memberAt is the entry at a place, with its proof.
func (f *bundleForge) memberAt(place int) kitMember {
	f.Helper()
	agents := f.sorted()
	b := openBundle(f.T, f.fleet.bundle(agents[place]))
	return b.Members[0]
}

// sorted are the agents in the order of their entries.
func (f *bundleForge) sorted() []*tgspcrypto.Identity {
	agents := slices.Clone(f.fleet.agents)
	slices.SortFunc(agents, func(a, b *tgspcrypto.Identity) int { return bytes.Compare(agentName(a), agentName(b)) })
	return agents
}

func agentName(agent *tgspcrypto.Identity) []byte {
	id := fleet.NewAgentID(agent.Recipient())
	return id[:]
}

// regrow signs a tree with one entry in place of the reader's, and makes the
// reader's bundle of that.
func (f *bundleForge) regrow(entry *fleet.Entry) {
	f.Helper()
	var packed, nodes bytes.Buffer
	c := fleet.NewCommitter(&nodes)
	for n := range f.fleet.entries.Count {
		e, err := f.fleet.entries.At(n)
		check(f.T, err)
		if e.Agent == entry.Agent {
			e = entry
		}
		check(f.T, c.Add(e))
		packed.Write(e.AppendPacked(nil))
	}
	root, err := c.Root()
	check(f.T, err)
	f.fleet.entries = &fleet.Entries{Count: c.Agents(), KEM: f.fleet.kem, Packed: bytes.NewReader(packed.Bytes()), Nodes: bytes.NewReader(nodes.Bytes())}
	f.signed(func(d *kitFleetDoc) { d.EntriesHash = root[:] })
	file, err := fleet.ParseFile(f.File)
	check(f.T, err)
	f.fleet.file = file
	f.load(f.reader)
}

// entry encrypts a secret to an agent.
func (f *bundleForge) entry(agent *tgspcrypto.Identity, secret *tgspcrypto.EpochSecret) *fleet.Entry {
	f.Helper()
	e, err := fleet.NewEntry(agent.Recipient(), secret)
	check(f.T, err)
	return e
}

// raw is a member, absence or neighbour of the bundle as an encoded map, put
// back in whatever form.
func (b *openedBundle) raw(list string, entry []byte) []byte {
	m := takeMap(b.encode())
	return m.with(list, slices.Concat(head(majorArray, 1), entry)).encode()
}
