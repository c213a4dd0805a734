// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// kitBundles are what fleets hand out, and what is said to be.
func kitBundles() []bundleCase {
	return slices.Concat(kitGoodBundles(), kitFleetSignatures(), kitFleetFields(), kitFleetKeys(), kitMembers(), kitAbsences(), kitBundleForms())
}

func kitGoodBundles() []bundleCase {
	says := func(name, about, agent string, do func(f *bundleForge)) bundleCase {
		return bundleCase{name: "good " + name, about: about, do: func(f *bundleForge) {
			f.says(agent)
			do(f)
		}}
	}
	cases := []bundleCase{
		says("member", "the bundle of an agent", kit.AgentMember, func(*bundleForge) {}),
		says("file alone", "the fleet file alone", kit.AgentNothing, (*bundleForge).alone),
		says("no entries", "a bundle without entries", kit.AgentNothing, func(f *bundleForge) { f.load() }),
		says("another agent", "the bundle of another agent", kit.AgentNothing, func(f *bundleForge) { f.load(f.agents[0]) }),
		says("all agents", "the entries of all agents", kit.AgentMember, func(f *bundleForge) { f.load(f.fleet.agents...) }),
		says("not sorted", "the entries of all agents in another order", kit.AgentMember, func(f *bundleForge) {
			f.load(f.fleet.agents...)
			slices.SortFunc(f.Members, func(a, b kitMember) int { return bytes.Compare(b.Entry.Agent, a.Entry.Agent) })
		}),
		says("twice", "the agent's entry stands there twice", kit.AgentMember, func(f *bundleForge) { f.load(f.reader, f.reader) }),
		says("absent", "what shows somebody that it is no agent", kit.AgentAbsent, func(f *bundleForge) {
			f.load(f.other)
			f.identify(f.other)
		}),
		says("absent and member", "an agent's entry, and what shows somebody else that it is no agent", kit.AgentMember, func(f *bundleForge) { f.load(f.other, f.reader) }),
		says("absence of another", "what shows somebody else that it is no agent", kit.AgentNothing, func(f *bundleForge) { f.load(f.other) }),
		says("member by the second identity", "of two identities the first is no agent and the second is", kit.AgentMember, func(f *bundleForge) {
			f.load(f.other, f.reader)
			f.identify(f.other, f.reader)
		}),
		says("identity of another kind", "the identity has hybrid keys, and the fleet X25519", kit.AgentNothing, func(f *bundleForge) { f.identify(f.hybrid) }),
		says("one agent", "the bundle of the only agent of a fleet", kit.AgentMember, func(f *bundleForge) {
			f.fleet.agents = []*tgspcrypto.Identity{f.reader}
			f.fleet.rotate()
			f.load(f.reader)
		}),
		says("no agents", "what shows somebody that a fleet has no agents", kit.AgentAbsent, func(f *bundleForge) {
			f.fleet.agents = nil
			f.fleet.rotate()
			f.load(f.reader)
		}),
	}
	for _, hybrid := range []bundleCase{
		says("hybrid member", "the bundle of an agent in a fleet with hybrid keys", kit.AgentMember, func(*bundleForge) {}),
		says("hybrid absent", "what shows somebody that it is no agent of a fleet with hybrid keys", kit.AgentAbsent, func(f *bundleForge) {
			f.fleet.revokeKey(f.reader)
			f.fleet.rotate()
			f.load(f.reader)
		}),
	} {
		hybrid.kem = tgspcrypto.MLKEM768X25519
		cases = append(cases, hybrid)
	}
	// Somebody who would stand at each place among the agents.
	for place := range 8 {
		cases = append(cases, says(fmt.Sprint("absent at ", place), fmt.Sprintf("what shows somebody that it is no agent, whose entry would be number %d of %d", place, 8), kit.AgentAbsent, func(f *bundleForge) {
			f.fleet.agents = slices.Clone(f.fleet.agents)
			somebody := f.between(place)
			f.load(somebody)
			f.identify(somebody)
		}))
	}
	for place := range 7 {
		cases = append(cases, says(fmt.Sprint("member at ", place), fmt.Sprintf("the bundle of the agent with entry number %d of 7", place), kit.AgentMember, func(f *bundleForge) {
			agent := f.sorted()[place]
			f.load(agent)
			f.identify(agent)
		}))
	}
	return cases
}

// between is somebody whose entry would stand at a place.
func (f *bundleForge) between(place int) *tgspcrypto.Identity {
	f.Helper()
	agents := f.sorted()
	for n := 0; ; n++ {
		raw := sha256.Sum256(fmt.Appendf(nil, "tgsp test kit, somebody %d", n))
		id, err := tgspcrypto.NewIdentity(tgspcrypto.X25519, raw[:])
		check(f.T, err)
		name := agentName(id)
		if (place == 0 || bytes.Compare(agentName(agents[place-1]), name) < 0) && (place == len(agents) || bytes.Compare(name, agentName(agents[place])) < 0) {
			return id
		}
	}
}

// kitFleetSignatures are fleet files with another signature than the authority's.
func kitFleetSignatures() []bundleCase {
	signed := func(name, about string, change func(f *bundleForge, s *signature, document []byte)) bundleCase {
		return bundleCase{name: "signature " + name, about: about, do: func(f *bundleForge) {
			f.signature(func(s *signature, document []byte) { change(f, s, document) })
		}}
	}
	by := func(s *signature, key *tgspcrypto.AuthorityKey, kind string, body []byte) {
		copy(s.PublicKey[:], key.Public().Bytes())
		copy(s.Signature[:], key.Sign(kind, body))
	}
	cases := []bundleCase{
		signed("changed", "one bit of the authority's signature is changed", func(_ *bundleForge, s *signature, _ []byte) { s.Signature[3] ^= 1 }),
		signed("zero", "the signature is all zero", func(_ *bundleForge, s *signature, _ []byte) { s.Signature = [64]byte{} }),
		signed("other key", "the authority's signature stands beside the key of another", func(f *bundleForge, s *signature, _ []byte) { copy(s.PublicKey[:], f.rival.Public().Bytes()) }),
		signed("by another authority", "the authority of another fleet has signed the file", func(f *bundleForge, s *signature, document []byte) {
			by(s, f.rival, fleet.FileType, document)
		}),
		signed("by an author", "an author has signed the file", func(f *bundleForge, s *signature, document []byte) {
			*s = *newSignature(f.author, fleet.FileType, document)
		}),
		signed("as a manifest", "the authority's signature was made for the type of manifests", func(f *bundleForge, s *signature, document []byte) {
			by(s, f.authority, ManifestType, document)
		}),
		signed("as an envelope", "the authority's signature was made for the type of envelopes", func(f *bundleForge, s *signature, document []byte) {
			by(s, f.authority, EnvelopeType, document)
		}),
		signed("over a hash", "the authority has signed the hash of the document", func(f *bundleForge, s *signature, document []byte) {
			sum := sha256.Sum256(document)
			by(s, f.authority, fleet.FileType, sum[:])
		}),
		signed("over another file", "the signature is over the fleet file of the epoch before", func(f *bundleForge, s *signature, document []byte) {
			by(s, f.authority, fleet.FileType, append(document[:len(document)-1:len(document)-1], document[len(document)-1]^1))
		}),
		signed("S not reduced", "the group's order is added to S", func(_ *bundleForge, s *signature, _ []byte) { addOrder(s.Signature[32:]) }),
		signed("unknown algorithm", "the signature is of an algorithm to come", func(_ *bundleForge, s *signature, _ []byte) { s.Algorithm = "ML-DSA-65" }),
		signed("empty algorithm", "the signature names no algorithm", func(_ *bundleForge, s *signature, _ []byte) { s.Algorithm = "" }),
		{name: "signature missing", about: "the fleet file has no signature", do: func(f *bundleForge) {
			f.File = takeMap(f.File).without("signature").encode()
		}},
	}
	for name, key := range map[string][32]byte{"low order": {1}, "unreduced": [32]byte(bytes.Repeat([]byte{0xff}, 32))} {
		cases = append(cases, bundleCase{name: "signature " + name, about: "the fleet is named by a key that protects nothing, and anybody has signed: " + name, do: func(f *bundleForge) {
			id := sha256.Sum256(key[:])
			f.signed(func(d *kitFleetDoc) { d.Fleet = id[:] })
			f.signature(func(s *signature, _ []byte) { s.PublicKey, s.Signature = key, [64]byte{1} })
		}})
	}
	return cases
}

// addOrder adds the order of Ed25519's group to a little-endian number.
func addOrder(s []byte) {
	order := []byte{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 31: 0x10}
	carry := 0
	for i := range s {
		sum := int(s[i]) + int(order[i]) + carry
		s[i], carry = byte(sum), sum>>8
	}
}

// kitFleetFields are fleet files that the authority has signed, with fields at
// their bounds and beyond.
func kitFleetFields() []bundleCase {
	var cases []bundleCase
	// The entries do not stand beside them: their proofs would be wrong too.
	add := func(field, value string, accept bool, change func(d *kitFleetDoc)) {
		cases = append(cases, bundleCase{name: "file " + field + " " + value, about: fmt.Sprintf("the authority has signed a fleet file with this %s: %s", field, value), do: func(f *bundleForge) {
			if accept {
				f.says(kit.AgentNothing)
			}
			f.signed(change)
			f.alone()
		}})
	}
	number := func(field string, of func(d *kitFleetDoc) *uint64, right func(n uint64) bool) {
		for _, n := range []uint64{0, 1, 2, 3, 1 << 32, 1<<32 + 1, maxTime, maxTime + 1, 1 << 63, math.MaxUint64} {
			add(field, fmt.Sprint(n), right(n), func(d *kitFleetDoc) { *of(d) = n })
		}
	}
	number("format_version", func(d *kitFleetDoc) *uint64 { return &d.FormatVersion }, func(n uint64) bool { return n == 1 })
	number("serial", func(d *kitFleetDoc) *uint64 { return &d.Serial }, func(n uint64) bool { return n > 0 })
	number("epoch", func(d *kitFleetDoc) *uint64 { return &d.Epoch }, func(n uint64) bool { return n > 1 }) // with one link
	number("issued_at", func(d *kitFleetDoc) *uint64 { return &d.IssuedAt }, func(n uint64) bool { return n < uint64(kitFleetEnd.Unix()) })
	number("valid_until", func(d *kitFleetDoc) *uint64 { return &d.ValidUntil }, func(n uint64) bool { return n > uint64(created.Unix()) && n <= maxTime })
	number("agents", func(d *kitFleetDoc) *uint64 { return &d.Agents }, func(n uint64) bool { return n <= 1<<32 })
	add("issued_at", "valid_until", false, func(d *kitFleetDoc) { d.IssuedAt = d.ValidUntil })
	add("issued_at", "valid_until less a second", true, func(d *kitFleetDoc) { d.IssuedAt = d.ValidUntil - 1 })
	add("issued_at", "the last second of 9999", false, func(d *kitFleetDoc) { d.IssuedAt, d.ValidUntil = maxTime, maxTime })

	for name, accept := range map[string]bool{
		"a": true, "0": true, "a.b_c-9": true, "a" + strings.Repeat("-", 63): true, "": false, "a" + strings.Repeat("-", 64): false, "-a": false, "_a": false, ".a": false, "..": false,
		"A": false, "a/b": false, "a b": false, "a\n": false, "\na": false, "a\x00": false, "ä": false,
	} {
		add("name", fmt.Sprintf("%d bytes %x", len(name), name[:min(len(name), 8)]), accept, func(d *kitFleetDoc) { d.Name = name })
	}
	link := bytes.Repeat([]byte{7}, 104)
	links := func(value string, accept bool, epoch uint64, change func(d *kitFleetDoc)) {
		add("links", value, accept, func(d *kitFleetDoc) {
			d.Epoch = epoch
			change(d)
		})
	}
	count := func(n int) func(d *kitFleetDoc) {
		return func(d *kitFleetDoc) { d.Links = slices.Repeat([][]byte{link}, n) }
	}
	links("none", true, 1, count(0))
	links("1 at epoch 1", false, 1, count(1))
	links("2 at epoch 2", false, 2, count(2))
	links("256 at epoch 257", true, 257, count(256))
	links("256 at epoch 256", false, 256, count(256))
	links("257 at epoch 1000", false, 1000, count(257))
	links("1 of 103 bytes", false, 2, func(d *kitFleetDoc) { d.Links = [][]byte{link[1:]} })
	links("1 of 105 bytes", false, 2, func(d *kitFleetDoc) { d.Links = [][]byte{append(link[:104:104], 7)} })
	links("1 of no bytes", false, 2, func(d *kitFleetDoc) { d.Links = [][]byte{{}} })
	for _, size := range []int{0, 31, 33, 64} {
		add("fleet_id", fmt.Sprint(size, " bytes"), false, func(d *kitFleetDoc) { d.Fleet = make([]byte, size) })
		add("entries_hash", fmt.Sprint(size, " bytes"), false, func(d *kitFleetDoc) { d.EntriesHash = make([]byte, size) })
	}
	add("fleet_id", "another fleet", false, func(d *kitFleetDoc) { d.Fleet = make([]byte, 32) })
	add("entries_hash", "anything with no agents", true, func(d *kitFleetDoc) { d.Agents = 0 })
	cases = append(cases, bundleCase{name: "file out of date", about: "a fleet file that counts no longer is one all the same", do: func(f *bundleForge) {
		f.says(kit.AgentMember)
		f.signed(func(d *kitFleetDoc) { d.ValidUntil = d.IssuedAt + 1 })
	}})
	return cases
}

// kitFleetKeys are about the epoch's public key and its kind.
func kitFleetKeys() []bundleCase {
	var cases []bundleCase
	add := func(name string, kem tgspcrypto.KEM, change func(d *kitFleetDoc)) {
		cases = append(cases, bundleCase{name: "file public_key " + name, about: "the authority has signed a fleet file with a public key that cannot be: " + name, kem: kem, do: func(f *bundleForge) {
			f.signed(change)
			f.alone()
		}})
	}
	for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
		point := func(name string, p []byte) {
			add(name+" "+string(kem), kem, func(d *kitFleetDoc) { copy(d.PublicKey[len(d.PublicKey)-32:], p) })
		}
		point("zero", make([]byte, 32))
		point("one", append([]byte{1}, make([]byte, 31)...))
		point("unreduced", append(bytes.Repeat([]byte{0xff}, 31), 0x7f))
		point("top bit", append([]byte{9}, append(make([]byte, 30), 0x80)...))
		add("short "+string(kem), kem, func(d *kitFleetDoc) { d.PublicKey = d.PublicKey[1:] })
		add("long "+string(kem), kem, func(d *kitFleetDoc) { d.PublicKey = append(d.PublicKey, 0) })
		add("empty "+string(kem), kem, func(d *kitFleetDoc) { d.PublicKey = []byte{} })
		for what, other := range map[string]string{"X25519": "X25519", "hybrid": "MLKEM768-X25519", "lower case": "x25519", "unknown kind": "RSA", "no kind": ""} {
			if other != string(kem) {
				add(string(kem)+" as "+what, kem, func(d *kitFleetDoc) { d.KEM = other })
			}
		}
	}
	add("modulus", tgspcrypto.MLKEM768X25519, func(d *kitFleetDoc) { copy(d.PublicKey, []byte{0xff, 0xff, 0xff}) })
	cases = append(cases, bundleCase{name: "file public_key of another epoch", about: "the authority has signed a public key that does not follow from the secret in the agent's entry", do: func(f *bundleForge) {
		f.signed(func(d *kitFleetDoc) { d.PublicKey = f.other.Recipient().Bytes() })
	}})
	return cases
}
