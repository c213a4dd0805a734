// SPDX-License-Identifier: Apache-2.0

package container

import (
	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitFleetEntries are about what stands among the recipients of a package for a
// fleet. The reader is a member.
func kitFleetEntries() []kitCase {
	signed := func(name, about string, do func(f *forge)) kitCase {
		return kitCase{name: name, about: about, do: func(f *forge) {
			f.handed()
			do(f)
			f.resign(f.author)
		}}
	}
	malformed := func(name, about string, change func(*fleetStanza)) kitCase {
		return signed("entry "+name, about, func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.Recipients = []cbor.RawMessage{f.fleetEntry(change)}
		})
	}
	closed := func(name, about string, change func(*fleetStanza)) kitCase {
		return signed("entry "+name, about, func(f *forge) {
			f.forOthers(kit.NoKey)
			f.doc.Recipients = []cbor.RawMessage{f.fleetEntry(change)}
		})
	}
	beside := func(name, about string, entry func(f *forge) cbor.RawMessage) kitCase {
		return signed("beside "+name, about, func(f *forge) {
			f.notOfFleet()
			f.doc.Recipients = append(f.doc.Recipients, entry(f))
		})
	}
	cases := []kitCase{
		malformed("epoch 0", "the entry is for epoch 0", func(s *fleetStanza) { s.Epoch = 0 }),
		malformed("short wrapped key", "the wrapped key is one byte short", func(s *fleetStanza) { s.WrappedKey = s.WrappedKey[1:] }),
		malformed("long wrapped key", "the wrapped key is one byte long", func(s *fleetStanza) { s.WrappedKey = append(s.WrappedKey, 0) }),
		malformed("short encapsulation", "the encapsulated key is one byte short", func(s *fleetStanza) { s.Enc = s.Enc[1:] }),
		malformed("long encapsulation", "the encapsulated key is one byte long", func(s *fleetStanza) { s.Enc = append(s.Enc, 0) }),
		malformed("other type", "an entry with an X25519 key calls itself fleet-MLKEM768-X25519", func(s *fleetStanza) { s.Type = "fleet-MLKEM768-X25519" }),
		malformed("recipient type", "an entry for the fleet calls itself X25519", func(s *fleetStanza) { s.Type = "X25519" }),
		closed("wrapped key", "one bit of the wrapped key is changed", func(s *fleetStanza) { s.WrappedKey[0] ^= 1 }),
		closed("encapsulation", "one bit of the encapsulated key is changed", func(s *fleetStanza) { s.Enc[0] ^= 1 }),
		closed("zero point", "the encapsulated key is the point of order 1", func(s *fleetStanza) { clear(s.Enc) }),
		signed("entry of another kind", "the entry is for the fleet and its epoch, with a hybrid key that the fleet does not have", func(f *forge) {
			f.forOthers(kit.NoKey)
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(&FleetEpoch{f.epoch.Fleet, f.epoch.Epoch, f.hybrid.Recipient()})}
		}),
		signed("entry missing", "there is no entry", func(f *forge) {
			f.forOthers(kit.NoKey)
			f.doc.Recipients = []cbor.RawMessage{}
		}),
		signed("entry twice", "an entry that opens nothing stands before the fleet's right one", func(f *forge) {
			f.forMember()
			right := f.doc.Recipients[0]
			f.doc.Recipients = []cbor.RawMessage{f.fleetEntry(func(s *fleetStanza) { s.WrappedKey[0] ^= 1 }), right}
		}),
		signed("entries of two epochs", "there is an entry for epoch 2, which the reader's fleet file does not reach, before that for epoch 1", func(f *forge) {
			f.forMember()
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate()), f.doc.Recipients[0]}
		}),
		beside("own key", "an agent's own key stands beside the fleet's entry, and the author has signed that", (*forge).ownKey),
		beside("another fleet", "an entry of another fleet stands beside the fleet's", func(f *forge) cbor.RawMessage {
			return f.wrapped(NewFleetEpoch(f.otherFleet().file))
		}),
		beside("unknown type", "an entry of a type to come stands beside the fleet's", func(*forge) cbor.RawMessage {
			return encode(map[string]any{"type": "FUTURE"})
		}),
		beside("unknown type with the fleet", "an entry of a type to come that names the fleet and its epoch stands beside the fleet's", func(f *forge) cbor.RawMessage {
			return encode(map[string]any{"type": "FUTURE", "fleet_id": f.epoch.Fleet, "epoch": f.epoch.Epoch})
		}),
		beside("unknown kind", "an entry of the fleet for a kind of key to come stands beside the fleet's", func(f *forge) cbor.RawMessage {
			return f.fleetEntry(func(s *fleetStanza) { s.Type = "fleet-FUTURE" })
		}),
		signed("own key alone", "the only entry is for an agent's own key", func(f *forge) {
			f.notOfFleet()
			f.doc.Recipients = []cbor.RawMessage{f.ownKey()}
		}),
		signed("entry of another fleet alone", "the only entry is of another fleet, in which the reader is too", func(f *forge) {
			f.notOfFleet()
			x := f.otherFleet()
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(NewFleetEpoch(x.file))}
			f.Fleets = append(f.Fleets, x.bundle(f.reader))
		}),
	}
	return append(cases, kitFleetInsiders()...)
}

// kitFleetInsiders are by agents, who have the data key, and by those who may
// change recipients.
func kitFleetInsiders() []kitCase {
	return []kitCase{
		{name: "planted key", about: "a key that is trusted for envelopes has put an agent's own key beside the fleet's entry", vary: true, do: func(f *forge) {
			f.handed()
			f.notOfFleet()
			f.Trusted = append(f.Trusted, kit.Trusted{Role: string(RoleEnvelope), Key: f.manager.Public().String()})
			f.doc.Generation++
			f.doc.Recipients = append(f.doc.Recipients, f.ownKey())
			f.resign(f.manager)
		}},
		{name: "moved by a manager", about: "a key that is trusted for envelopes has moved the package to epoch 2", vary: true, do: func(f *forge) {
			f.forMember()
			f.Trusted = append(f.Trusted, kit.Trusted{Role: string(RoleEnvelope), Key: f.manager.Public().String()})
			f.doc.Generation++
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate())}
			f.handed()
			f.resign(f.manager)
		}},
		{name: "moved by a stranger", about: "an agent has moved the package to epoch 2 and signed the envelope as a stranger", do: func(f *forge) {
			f.refused(kit.Untrusted)
			f.doc.Generation++
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate())}
			f.handed()
			f.resign(f.stranger)
		}},
		{name: "stanza of another package", about: "the entry comes from another package of the author for the same fleet and epoch, and the author has signed the envelope", vary: true, do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.handed()
			f.doc.Recipients = newForgeFor(f.T, "foreign", f.fleet, f.model, nil).doc.Recipients
			f.resign(f.author)
		}},
		{name: "stanza of another package unsigned", about: "the entry comes from another package for the same fleet and epoch, and the envelope was not signed anew", do: func(f *forge) {
			f.refused(kit.Signature)
			f.handed()
			f.doc.Recipients = newForgeFor(f.T, "foreign", f.fleet, f.model, nil).doc.Recipients
			f.put(0, encode(f.doc))
		}},
		{name: "stanza of another key", about: "the fleet's entry holds another data key, and the author has signed the envelope", do: func(f *forge) {
			f.inside(kit.Altered)
			f.Change = kit.Fleet
			f.handed()
			r, err := wrapForFleet(f.epoch, make([]byte, tgspcrypto.KeySize), f.doc.Manifest)
			check(f, err)
			f.doc.Recipients = []cbor.RawMessage{r.raw}
			f.resign(f.author)
		}},
	}
}

// kitFleetPolicies are about the policy that names the fleet, or does not.
func kitFleetPolicies() []kitCase {
	// edited has an agent change the policy's fleet and wrap the key for that.
	edited := func(f *forge, change func(p *Policy)) {
		m := f.manifest()
		change(&m.Policy)
		f.doc.Manifest = encode(m)
		f.wrap()
	}
	another := func(p *Policy) { p.TargetFleet = make([]byte, len(FleetID{})) }
	stripped := func(p *Policy) { p.TargetFleet = nil }
	// free is a package with the fleet's entry whose policy names no fleet.
	free := func(name, about string, vary bool, do func(f *forge)) kitCase {
		return kitCase{name: "not in the policy " + name, about: "the policy names no fleet, and the entry is the fleet's: " + about, vary: vary, do: func(f *forge) {
			f.authored(func(m *Manifest) { m.Policy.TargetFleet = nil })
			f.inside(kit.NoKey)
			f.Change = kit.NoKey
			do(f)
		}}
	}
	opens := func(f *forge) {
		f.opens()
		f.Change = kit.NoKey // which takes an identity that opens it
	}
	return []kitCase{
		{name: "policy edited", about: "an agent has put another fleet into the policy and wrapped the key for that, under the old signature", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.handed()
			edited(f, another)
			f.resign(f.stranger)
		}},
		{name: "policy stripped", about: "an agent has taken the fleet out of the policy and wrapped the key for that, under the old signature", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.handed()
			edited(f, stripped)
			f.resign(f.stranger)
		}},
		{name: "policy signed anew", about: "an agent has taken the fleet out of the policy and signed all as a stranger", vary: true, do: func(f *forge) {
			f.refused(kit.Untrusted)
			f.handed()
			m := f.manifest()
			m.Policy.TargetFleet, m.AuthorID = nil, f.stranger.Public().ID()
			f.release(f.stranger, encode(m))
		}},
		{name: "policy of another fleet", about: "the author has signed a policy with another fleet than the entry's", do: func(f *forge) {
			f.notOfFleet()
			f.handed()
			f.authored(func(m *Manifest) { another(&m.Policy) })
		}},
		{name: "member and time over", about: "the reader is an agent of the fleet, and the window is over", pack: func(o *PackOptions) { o.Policy = Policy{TargetFleet: o.Fleet.Fleet[:], NotAfter: 1777777777} }, do: func(f *forge) {
			f.forMember()
			f.Open, f.Extract = kit.Time, kit.Time
			f.Files, f.Released = nil, emptyHash
			f.handed()
		}},
		{name: "stranger and time over", about: "the reader is in no fleet, and the window is over: the fleet counts first", pack: func(o *PackOptions) { o.Policy = Policy{TargetFleet: o.Fleet.Fleet[:], NotAfter: 1777777777} }, do: func(f *forge) {
			f.forOthers(kit.Fleet)
		}},
		{name: "earlier epoch and time over", about: "the reader's fleet file does not reach the package's epoch, and the window is over: the key counts first", pack: func(o *PackOptions) { o.Policy = Policy{TargetFleet: o.Fleet.Fleet[:], NotAfter: 1777777777} }, do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.handed()
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate())}
			f.resign(f.author)
		}},
		free("member", "its agents open it", true, func(f *forge) {
			opens(f)
			f.handed()
		}),
		free("no bundle", "the reader is in no fleet", false, func(*forge) {}),
		free("revoked", "the reader was revoked", false, func(f *forge) {
			f.fleet.revokeKey(f.reader)
			f.fleet.rotate()
			f.handed()
		}),
		free("out of date", "the fleet file counts no longer, which matters to a policy alone", false, func(f *forge) {
			opens(f)
			f.fleet.validUntil = kitTime
			f.fleet.rotate()
			f.handed()
		}),
		free("beside others", "it stands beside a recipient's and one of a type to come", false, func(f *forge) {
			opens(f)
			f.handed()
			r, err := wrapFor(f.other.Recipient(), f.dek, f.doc.Manifest)
			check(f, err)
			f.doc.Recipients = append(f.doc.Recipients, encode(map[string]any{"type": "FUTURE"}), r.raw)
			f.resign(f.author)
		}),
		free("beside the reader's", "it stands before the reader's own, and the reader has no bundle", false, func(f *forge) {
			f.opens()
			f.doc.Recipients = append(f.doc.Recipients, f.ownKey())
			f.resign(f.author)
		}),
	}
}
