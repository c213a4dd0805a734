// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// kitMembers are agents' entries with something wrong.
func kitMembers() []bundleCase {
	member := func(name, about string, change func(f *bundleForge, m *kitMember)) bundleCase {
		return bundleCase{name: "member " + name, about: about, do: func(f *bundleForge) { change(f, &f.Members[0]) }}
	}
	cases := []bundleCase{
		member("of another place", "the entry stands at the place of the next", func(_ *bundleForge, m *kitMember) { m.Index++ }),
		member("after the last", "the entry's place is the number of agents", func(_ *bundleForge, m *kitMember) { m.Index = 7 }),
		member("at 2^32", "the entry's place is 2^32 more", func(_ *bundleForge, m *kitMember) { m.Index += 1 << 32 }),
		member("at 2^63", "the entry's place is 2^63 more", func(_ *bundleForge, m *kitMember) { m.Index += 1 << 63 }),
		member("at 2^64-1", "the entry's place is 2^64-1", func(_ *bundleForge, m *kitMember) { m.Index = math.MaxUint64 }),
		member("short proof", "the proof lacks its last hash", func(_ *bundleForge, m *kitMember) { m.Proof = m.Proof[:len(m.Proof)-1] }),
		member("short proof below", "the proof lacks its first hash", func(_ *bundleForge, m *kitMember) { m.Proof = m.Proof[1:] }),
		member("no proof", "the proof is empty", func(_ *bundleForge, m *kitMember) { m.Proof = [][]byte{} }),
		member("long proof", "the proof has a hash more", func(_ *bundleForge, m *kitMember) { m.Proof = append(m.Proof, make([]byte, 32)) }),
		member("proof of 33", "the proof has 33 hashes, as many as there may be and far more than belong there", func(_ *bundleForge, m *kitMember) {
			m.Proof = slices.Repeat(m.Proof[:1], 33)
		}),
		member("proof of 34", "the proof has 34 hashes, one more than there may be", func(_ *bundleForge, m *kitMember) {
			m.Proof = slices.Repeat(m.Proof[:1], 34)
		}),
		member("proof backwards", "the proof's hashes stand in the other order", func(_ *bundleForge, m *kitMember) { slices.Reverse(m.Proof) }),
		member("proof of another", "the proof is another entry's", func(f *bundleForge, m *kitMember) { m.Proof = f.memberAt((int(m.Index) + 3) % 7).Proof }),
		member("proof changed", "one bit of the proof is changed", func(_ *bundleForge, m *kitMember) { m.Proof[1][5] ^= 1 }),
		member("proof of 31 bytes", "a hash of the proof is one byte short", func(_ *bundleForge, m *kitMember) { m.Proof[0] = m.Proof[0][1:] }),
		member("proof of 33 bytes", "a hash of the proof is one byte long", func(_ *bundleForge, m *kitMember) { m.Proof[0] = append(m.Proof[0], 0) }),
		member("other name", "the entry stands under another agent's name", func(f *bundleForge, m *kitMember) { m.Entry.Agent = agentName(f.agents[0]) }),
		member("name of 31 bytes", "the agent's name is one byte short", func(_ *bundleForge, m *kitMember) { m.Entry.Agent = m.Entry.Agent[1:] }),
		member("encapsulation changed", "one bit of the encapsulated key is changed", func(_ *bundleForge, m *kitMember) { m.Entry.Enc[0] ^= 1 }),
		member("short encapsulation", "the encapsulated key is one byte short", func(_ *bundleForge, m *kitMember) { m.Entry.Enc = m.Entry.Enc[1:] }),
		member("sealed changed", "one bit of the sealed secret is changed", func(_ *bundleForge, m *kitMember) { m.Entry.Sealed[0] ^= 1 }),
		member("short sealed", "the sealed secret is one byte short", func(_ *bundleForge, m *kitMember) { m.Entry.Sealed = m.Entry.Sealed[1:] }),
		member("long sealed", "the sealed secret is one byte long", func(_ *bundleForge, m *kitMember) { m.Entry.Sealed = append(m.Entry.Sealed, 0) }),
		member("moved boundary", "the last byte of the encapsulated key stands before the sealed secret, which gives the same hash", func(_ *bundleForge, m *kitMember) {
			last := len(m.Entry.Enc) - 1
			m.Entry.Sealed = append([]byte{m.Entry.Enc[last]}, m.Entry.Sealed...)
			m.Entry.Enc = m.Entry.Enc[:last]
		}),
		member("hybrid entry", "the entry is for hybrid keys, and the fleet's are X25519", func(f *bundleForge, m *kitMember) {
			e := f.entry(f.hybrid, f.fleet.secrets[0])
			m.Entry = kitEntry{e.Agent[:], e.Enc, e.Sealed}
		}),
		member("by anybody", "somebody who knows the agent's public key has encrypted a secret to it", func(f *bundleForge, m *kitMember) {
			e := f.entry(f.reader, fleet.NewEpochSecret(f.fleet.file.ID(), 2))
			m.Entry = kitEntry{e.Agent[:], e.Enc, e.Sealed}
		}),
		member("of the right secret", "somebody who knows the epoch's secret has encrypted it to the agent anew", func(f *bundleForge, m *kitMember) {
			e := f.entry(f.reader, f.fleet.secrets[0])
			m.Entry = kitEntry{e.Agent[:], e.Enc, e.Sealed}
		}),
		member("of the epoch before", "the entry and its proof are of the epoch before", func(f *bundleForge, _ *kitMember) {
			old := f.Members
			f.fleet.rotate()
			f.load(f.reader)
			f.Members = old
		}),
		{name: "member of a hybrid fleet with an X25519 entry", about: "the entry is for X25519 keys, and the fleet's are hybrid", kem: tgspcrypto.MLKEM768X25519, do: func(f *bundleForge) {
			e := f.entry(f.other, f.fleet.secrets[0])
			f.Members[0].Entry = kitEntry{e.Agent[:], e.Enc, e.Sealed}
		}},
		{name: "member beside a wrong one", about: "beside the agent's right entry stands another's that is not in the tree", do: func(f *bundleForge) {
			f.load(f.reader, f.agents[0])
			f.Members[1].Entry.Sealed[0] ^= 1
		}},
	}
	// Entries that the authority has signed by mistake: they do not open for their agent.
	for name, entry := range map[string]func(f *bundleForge) *fleet.Entry{
		"another secret": func(f *bundleForge) *fleet.Entry {
			return f.entry(f.reader, fleet.NewEpochSecret(f.fleet.file.ID(), 2))
		},
		"another epoch": func(f *bundleForge) *fleet.Entry { return f.entry(f.reader, f.fleet.secrets[1]) },
		"another fleet": func(f *bundleForge) *fleet.Entry { return f.entry(f.reader, f.secretOf(tgspcrypto.FleetID{1})) },
		"another's key": func(f *bundleForge) *fleet.Entry { return f.named(f.entry(f.other, f.fleet.secrets[0])) },
		"a changed byte": func(f *bundleForge) *fleet.Entry {
			e := f.entry(f.reader, f.fleet.secrets[0])
			e.Sealed[9] ^= 1
			return e
		},
		"a point of zero": func(f *bundleForge) *fleet.Entry { e := f.entry(f.reader, f.fleet.secrets[0]); clear(e.Enc); return e },
	} {
		cases = append(cases,
			bundleCase{name: "signed member " + name, about: "the authority has signed the agent's entry with " + name, do: func(f *bundleForge) { f.regrow(entry(f)) }},
			bundleCase{name: "signed member for others " + name, about: "the same in the hands of another agent, who cannot see it", do: func(f *bundleForge) {
				f.says(kit.AgentNothing)
				f.regrow(entry(f))
				f.identify(f.other)
			}})
	}
	return cases
}

// secretOf is the present epoch's secret, said to be of another fleet.
func (f *bundleForge) secretOf(id tgspcrypto.FleetID) *tgspcrypto.EpochSecret {
	s := *f.fleet.secrets[0]
	s.Fleet = id
	return &s
}

// named puts the reader's name on an entry.
func (f *bundleForge) named(e *fleet.Entry) *fleet.Entry {
	e.Agent = fleet.AgentID(agentName(f.reader))
	return e
}

// kitAbsences claim that somebody is no agent.
func kitAbsences() []bundleCase {
	var cases []bundleCase
	absent := func(name, about string, change func(f *bundleForge) kitAbsent) {
		cases = append(cases, bundleCase{name: "absent " + name, about: about, do: func(f *bundleForge) {
			f.load()
			f.Absent = []kitAbsent{change(f)}
		}})
	}
	claims := func(name string, of func(f *bundleForge, at int) (left, right *kitNeighbour)) {
		absent(name, "an agent is said to be none: "+name, func(f *bundleForge) kitAbsent {
			member := f.sorted()[3]
			f.identify(member)
			left, right := of(f, 3)
			return kitAbsent{agentName(member), left, right}
		})
	}
	at := (*bundleForge).neighbour
	claims("no neighbours", func(*bundleForge, int) (*kitNeighbour, *kitNeighbour) { return nil, nil })
	claims("around the member", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return at(f, n-1), at(f, n+1) })
	claims("the member on the left", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return at(f, n), at(f, n+1) })
	claims("the member on the right", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return at(f, n-1), at(f, n) })
	claims("the wrong way round", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return at(f, n+1), at(f, n-1) })
	claims("only the left one", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return at(f, n-1), nil })
	claims("only the right one", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) { return nil, at(f, n+1) })
	claims("the last alone", func(f *bundleForge, _ int) (*kitNeighbour, *kitNeighbour) { return at(f, 6), nil })
	claims("the first alone", func(f *bundleForge, _ int) (*kitNeighbour, *kitNeighbour) { return nil, at(f, 0) })
	claims("the ends", func(f *bundleForge, _ int) (*kitNeighbour, *kitNeighbour) { return at(f, 0), at(f, 6) })
	claims("the ends the wrong way round", func(f *bundleForge, _ int) (*kitNeighbour, *kitNeighbour) { return at(f, 6), at(f, 0) })
	claims("a place moved", func(f *bundleForge, n int) (*kitNeighbour, *kitNeighbour) {
		left := at(f, n-1)
		left.Index++
		return left, at(f, n+1)
	})
	claims("a place that wraps", func(f *bundleForge, _ int) (*kitNeighbour, *kitNeighbour) {
		left := at(f, 6)
		left.Index = math.MaxUint64
		return left, at(f, 0)
	})

	// Somebody who is no agent, and a proof of it that is not right.
	for name, change := range map[string]func(f *bundleForge, a *kitAbsent){
		"left alone":            func(_ *bundleForge, a *kitAbsent) { a.Right = nil },
		"right alone":           func(_ *bundleForge, a *kitAbsent) { a.Left = nil },
		"left hash changed":     func(_ *bundleForge, a *kitAbsent) { a.Left.Hash[0] ^= 1 },
		"right hash changed":    func(_ *bundleForge, a *kitAbsent) { a.Right.Hash[0] ^= 1 },
		"left hash of 31 bytes": func(_ *bundleForge, a *kitAbsent) { a.Left.Hash = a.Left.Hash[1:] },
		"left name changed":     func(_ *bundleForge, a *kitAbsent) { a.Left.Agent[31] ^= 1 },
		"right name changed":    func(_ *bundleForge, a *kitAbsent) { a.Right.Agent[31] ^= 1 },
		"left proof changed":    func(_ *bundleForge, a *kitAbsent) { a.Left.Proof[0][0] ^= 1 },
		"right proof short":     func(_ *bundleForge, a *kitAbsent) { a.Right.Proof = a.Right.Proof[1:] },
		"right proof long":      func(_ *bundleForge, a *kitAbsent) { a.Right.Proof = append(a.Right.Proof, make([]byte, 32)) },
		"right proof of 34":     func(_ *bundleForge, a *kitAbsent) { a.Right.Proof = slices.Repeat(a.Right.Proof[:1], 34) },
		"left twice":            func(_ *bundleForge, a *kitAbsent) { a.Right = a.Left },
		"both moved":            func(_ *bundleForge, a *kitAbsent) { a.Left.Index++; a.Right.Index++ },
		"name of 31 bytes":      func(_ *bundleForge, a *kitAbsent) { a.Agent = a.Agent[1:] },
		"left's own name":       func(_ *bundleForge, a *kitAbsent) { a.Agent = a.Left.Agent },
		"right's own name":      func(_ *bundleForge, a *kitAbsent) { a.Agent = a.Right.Agent },
		"fewer agents": func(f *bundleForge, a *kitAbsent) {
			a.Right = nil
			f.signed(func(d *kitFleetDoc) { d.Agents = a.Left.Index + 1 })
		},
	} {
		absent("somebody "+name, "the proof that somebody is no agent is not right: "+name, func(f *bundleForge) kitAbsent {
			somebody := f.between(3)
			f.identify(somebody)
			f.load(somebody)
			a := f.Absent[0]
			change(f, &a)
			f.Members, f.Absent = nil, nil
			return a
		})
	}
	cases = append(cases, bundleCase{name: "absent of no agents with a neighbour", about: "the fleet file says that there are no agents, and a neighbour is shown", do: func(f *bundleForge) {
		f.fleet.agents = []*tgspcrypto.Identity{f.reader}
		f.fleet.rotate()
		f.load(f.other)
		f.signed(func(d *kitFleetDoc) { d.Agents = 0 })
	}})
	return cases
}

// kitBundleForms writes each document of a bundle in ways that are not its one
// deterministic form.
func kitBundleForms() []bundleCase {
	absence := func(f *bundleForge) {
		somebody := f.between(3)
		f.identify(somebody)
		f.load(somebody)
	}
	documents := []struct {
		kitDocument
		fields []string
		start  func(f *bundleForge)
		take   func(f *bundleForge) []byte
		give   func(f *bundleForge, doc []byte)
	}{
		{
			kitDocument: kitDocument{name: "fleet document", bytes: "public_key", text: "name", number: "serial", list: "links"},
			fields:      []string{"format_version", "fleet_id", "name", "serial", "epoch", "kem", "public_key", "issued_at", "valid_until", "agents", "entries_hash", "links"},
			take:        func(f *bundleForge) []byte { return f.file().Document },
			give:        func(f *bundleForge, doc []byte) { f.sign(f.authority, doc) },
		},
		{
			kitDocument: kitDocument{name: "fleet file", bytes: "document", dict: "signature"},
			fields:      []string{"document", "signature"},
			take:        func(f *bundleForge) []byte { return f.File },
			give:        func(f *bundleForge, doc []byte) { f.File = doc },
		},
		{
			kitDocument: kitDocument{name: "fleet file alone", bytes: "document", dict: "signature"},
			fields:      []string{"document", "signature"},
			take:        func(f *bundleForge) []byte { return f.File },
			give:        func(f *bundleForge, doc []byte) { f.Bundle = doc },
		},
		{
			kitDocument: kitDocument{name: "fleet signature", bytes: "signature", text: "algorithm"},
			fields:      []string{"algorithm", "public_key", "signature"},
			take:        func(f *bundleForge) []byte { return takeMap(f.File).get("signature") },
			give:        func(f *bundleForge, doc []byte) { f.File = takeMap(f.File).with("signature", doc).encode() },
		},
		{
			kitDocument: kitDocument{name: "bundle", bytes: "fleet_file", list: "members"},
			fields:      []string{"fleet_file", "members", "absent"},
			take:        func(f *bundleForge) []byte { return f.encode() },
			give:        func(f *bundleForge, doc []byte) { f.Bundle = doc },
		},
		{
			kitDocument: kitDocument{name: "member", number: "index", list: "proof", dict: "entry"},
			fields:      []string{"entry", "index", "proof"},
			take:        func(f *bundleForge) []byte { return encode(f.Members[0]) },
			give:        func(f *bundleForge, doc []byte) { f.Bundle = f.raw("members", doc) },
		},
		{
			kitDocument: kitDocument{name: "entry", bytes: "sealed"},
			fields:      []string{"agent_id", "enc", "sealed"},
			take:        func(f *bundleForge) []byte { return encode(f.Members[0].Entry) },
			give: func(f *bundleForge, doc []byte) {
				f.Bundle = f.raw("members", takeMap(encode(f.Members[0])).with("entry", doc).encode())
			},
		},
		{
			kitDocument: kitDocument{name: "absent", bytes: "agent_id", dict: "left"},
			fields:      []string{"agent_id", "left", "right"},
			start:       absence,
			take:        func(f *bundleForge) []byte { return encode(f.Absent[0]) },
			give:        func(f *bundleForge, doc []byte) { f.Bundle = f.raw("absent", doc) },
		},
		{
			kitDocument: kitDocument{name: "neighbour", bytes: "entry_hash", number: "index", list: "proof"},
			fields:      []string{"agent_id", "entry_hash", "index", "proof"},
			start:       absence,
			take:        func(f *bundleForge) []byte { return encode(f.Absent[0].Right) },
			give: func(f *bundleForge, doc []byte) {
				f.Bundle = f.raw("absent", takeMap(encode(f.Absent[0])).with("right", doc).encode())
			},
		},
	}
	var cases []bundleCase
	for _, d := range documents {
		wrong := wrongForms(d.kitDocument)
		if d.name == "bundle" || d.name == "fleet file alone" {
			delete(wrong, "empty") // which is no value of a header
		}
		for _, field := range d.fields {
			wrong["no "+field] = func(doc []byte) []byte { return takeMap(doc).without(field).encode() }
		}
		for _, what := range slices.Sorted(maps.Keys(wrong)) {
			cases = append(cases, bundleCase{name: "cbor " + d.name + " " + what, about: fmt.Sprintf("the CBOR of the %s is not what it may be: %s", d.name, what), do: func(f *bundleForge) {
				if d.start != nil {
					d.start(f)
				}
				d.give(f, wrong[what](d.take(f)))
			}})
		}
	}
	for name, data := range map[string][]byte{
		"a key line": []byte("tgsp-fleet:aaaa"), "a package": append([]byte("\x89TGSP\r\n\x1a"), make([]byte, 100)...), "an empty map": {0xa0},
		"zeros": make([]byte, 64), "a number": {0x01}, "a map of numbers": {0xa1, 0x01, 0x01}, "text": encode("fleet_file"),
	} {
		cases = append(cases, bundleCase{name: "no bundle " + name, about: "something else stands where a bundle belongs: " + name, do: func(f *bundleForge) {
			f.Bundle = bytes.Clone(data)
			f.Identities = nil
		}})
	}
	sum := sha256.Sum256([]byte("not a bundle"))
	return append(cases, bundleCase{name: "no bundle both", about: "a bundle that is a fleet file too", do: func(f *bundleForge) {
		f.Bundle = takeMap(f.openedBundle.encode()).plus(encode("document"), encode(sum[:])).encode()
	}})
}
