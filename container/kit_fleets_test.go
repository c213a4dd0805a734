// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// kitFleetEnd is when the fleet files of the kit count no longer.
var kitFleetEnd = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// fleetKeys adds the people of the kit's fleets.
func (k *kitKeys) fleetKeys(t *testing.T, identity func(name string) *tgspcrypto.Identity) {
	t.Helper()
	authority := func(name string) *tgspcrypto.AuthorityKey {
		seed := sha256.Sum256([]byte("tgsp test kit, authority of the " + name))
		key, err := tgspcrypto.NewAuthorityKey(seed[:])
		check(t, err)
		return key
	}
	k.authority, k.rival = authority("fleet"), authority("other fleet")
	seed := sha256.Sum256([]byte("tgsp test kit, hybrid identity"))
	var err error
	k.hybrid, err = tgspcrypto.NewIdentity(tgspcrypto.MLKEM768X25519, seed[:])
	check(t, err)
	for n := range 6 {
		k.agents = append(k.agents, identity(fmt.Sprint("agent ", n+1)))
	}
}

// epochSecret is a secret of the fleet for the kit's lines.
func (k *kitKeys) epochSecret(epoch uint64) *tgspcrypto.EpochSecret {
	secret := sha256.Sum256([]byte("tgsp test kit, secret of an epoch"))
	return &tgspcrypto.EpochSecret{Fleet: k.authority.Public().FleetID(), Epoch: epoch, Secret: secret}
}

// newKitFleet is the kit's fleet in epoch 1. The reader is one of its agents.
func newKitFleet(t *testing.T, kem tgspcrypto.KEM) *fleetFixture {
	t.Helper()
	seed(t, "fleet")
	k := newKitKeys(t)
	if kem == tgspcrypto.X25519 {
		return newFleetOf(t, k.authority, kem, kitFleetEnd, append(k.agents, k.reader)...)
	}
	more := newIdentity(t, kem)
	return newFleetOf(t, k.authority, kem, kitFleetEnd, k.hybrid, more)
}

// otherFleet is one that packages are not for; the reader is an agent of it too.
func (f *forge) otherFleet() *fleetFixture {
	return newFleetOf(f, f.rival, tgspcrypto.X25519, kitFleetEnd, f.reader, f.other)
}

// handed gives the reader what the fleet says of it now.
func (f *forge) handed() { f.Fleets = append(f.Fleets, f.fleet.bundle(f.reader)) }

// forMember is the answer to packages that a member opens.
func (f *forge) forMember() {
	f.opens()
	f.Change = kit.Fleet
}

// forOthers is the answer to packages that are right, and not for this agent.
func (f *forge) forOthers(k kit.Outcome) {
	f.inside(k)
	f.Change = kit.Fleet
}

// notOfFleet is the answer to packages with a recipient who is not of the
// policy's fleet. A change that was cut off is ended all the same.
func (f *forge) notOfFleet() {
	f.refused(kit.Fleet)
	f.Repair = kit.OK
}

// fleetEntry is the fleet's entry with a change.
func (f *forge) fleetEntry(change func(*fleetStanza)) cbor.RawMessage {
	f.Helper()
	s := new(fleetStanza)
	check(f, decode("recipient", f.doc.Recipients[0], s))
	change(s)
	return encode(s)
}

// wrapped is an entry for a fleet with the data key, beside the manifest.
func (f *forge) wrapped(epoch *FleetEpoch) cbor.RawMessage {
	f.Helper()
	r, err := wrapForFleet(epoch, f.dek, f.doc.Manifest)
	check(f, err)
	return r.raw
}

// ownKey is an entry for the reader alone.
func (f *forge) ownKey() cbor.RawMessage {
	f.Helper()
	r, err := wrapFor(f.reader.Recipient(), f.dek, f.doc.Manifest)
	check(f, err)
	return r.raw
}

// kitFleets are packages for fleets.
func kitFleets() []kitCase {
	cases := concat(kitFleetAgents(), kitFleetEpochs(), kitFleetEntries(), kitFleetPolicies())
	for i := range cases {
		cases[i].name = "fleet " + cases[i].name
		if cases[i].fleet == "" {
			cases[i].fleet = tgspcrypto.X25519
		}
	}
	return cases
}

// kitFleetAgents are packages with nothing wrong, in the hands of different agents.
func kitFleetAgents() []kitCase {
	return []kitCase{
		{name: "member", about: "a package for a fleet, and the reader is an agent of it", vary: true, do: func(f *forge) {
			f.forMember()
			f.handed()
		}},
		{name: "member hybrid", about: "a package for a fleet with hybrid keys, and the reader is an agent of it", vary: true, fleet: tgspcrypto.MLKEM768X25519, do: func(f *forge) {
			f.forMember()
			f.identify(f.hybrid)
			f.Fleets = [][]byte{f.fleet.bundle(f.hybrid)}
		}},
		{name: "member of two", about: "the reader is an agent of the package's fleet and of another, whose bundle comes first", do: func(f *forge) {
			f.forMember()
			f.Fleets = [][]byte{f.otherFleet().bundle(f.reader)}
			f.handed()
		}},
		{name: "member by the second identity", about: "the reader has two identities, and the second is an agent's", do: func(f *forge) {
			f.forMember()
			f.handed()
			f.identify(f.other, f.reader)
		}},
		{name: "no bundle", about: "the reader was handed nothing by any fleet", vary: true, do: func(f *forge) { f.forOthers(kit.Fleet) }},
		{name: "file alone", about: "the reader was handed the fleet file, and no entry", do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.Fleets = [][]byte{f.fleet.file.Bytes()}
		}},
		{name: "bundle of another agent", about: "the reader has the bundle of another agent of the fleet", do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.Fleets = [][]byte{f.fleet.bundle(f.agents[0])}
		}},
		{name: "another fleet", about: "the reader is an agent of another fleet, with the same name", vary: true, do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.Fleets = [][]byte{f.otherFleet().bundle(f.reader)}
		}},
		{name: "revoked", about: "the fleet file shows that the reader is no agent any more", vary: true, do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.fleet.revokeKey(f.reader)
			f.fleet.rotate()
			f.handed()
		}},
		{name: "never enrolled", about: "the fleet file shows that the reader is no agent", do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.identify(f.other)
			f.Fleets = [][]byte{f.fleet.bundle(f.other)}
		}},
		{name: "out of date", about: "the reader is an agent by a fleet file that counts no longer", vary: true, do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.fleet.validUntil = kitTime.Add(-time.Hour)
			f.fleet.rotate()
			f.handed()
		}},
		{name: "last second", about: "the last second in which the fleet file counts", do: func(f *forge) {
			f.forMember()
			f.handed()
			f.At = kitFleetEnd.Add(-time.Second)
		}},
		{name: "first second after", about: "the first second in which the fleet file counts no longer; the package's window is open", do: func(f *forge) {
			f.forOthers(kit.Fleet)
			f.handed()
			f.At = kitFleetEnd
		}},
	}
}

// revokeKey takes an agent out, by its key.
func (x *fleetFixture) revokeKey(agent *tgspcrypto.Identity) {
	x.agents = slices.DeleteFunc(x.agents, func(a *tgspcrypto.Identity) bool {
		return a.Recipient().String() == agent.Recipient().String()
	})
}

// kitFleetEpochs are packages that a member's fleet file reaches, or does not.
func kitFleetEpochs() []kitCase {
	return []kitCase{
		{name: "later epochs", about: "the reader's fleet file is of epoch 4, and its links lead back to the package's epoch 1", vary: true, do: func(f *forge) {
			f.forMember()
			for range 3 {
				f.fleet.rotate()
			}
			f.handed()
		}},
		{name: "later epochs hybrid", about: "the same with hybrid keys", fleet: tgspcrypto.MLKEM768X25519, do: func(f *forge) {
			f.forMember()
			f.fleet.rotate()
			f.fleet.rotate()
			f.identify(f.hybrid)
			f.Fleets = [][]byte{f.fleet.bundle(f.hybrid)}
		}},
		{name: "later epochs without links", about: "the reader's fleet file is of epoch 2, and its authority hands on no earlier one", vary: true, do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.fleet.rotate()
			f.fleet.sign(f.fleet.secrets[:1]...)
			f.handed()
		}},
		{name: "earlier epoch", about: "the package is for epoch 2, from which the reader was revoked, and the reader still has what it was handed in epoch 1", vary: true, do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.handed()
			f.fleet.revokeKey(f.reader)
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate())}
			f.resign(f.author)
		}},
		{name: "last epoch", about: "the package is for epoch 2^64-1", do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.handed()
			f.doc.Recipients = []cbor.RawMessage{f.fleetEntry(func(s *fleetStanza) { s.Epoch = 1<<64 - 1 })}
			f.resign(f.author)
		}},
		{name: "other epoch", about: "the entry says epoch 2, which the reader's fleet file reaches, and was made for epoch 1", do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.fleet.rotate()
			f.handed()
			f.doc.Recipients = []cbor.RawMessage{f.fleetEntry(func(s *fleetStanza) { s.Epoch = 2 })}
			f.resign(f.author)
		}},
		{name: "broken link", about: "the authority has signed a fleet file of epoch 3 whose link to the package's epoch 1 does not open", do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.fleet.rotate()
			f.fleet.rotate()
			f.Fleets = [][]byte{f.relinked(func(links [][]byte) { links[1][60] ^= 1 })}
		}},
		{name: "broken newer link", about: "the authority has signed a fleet file of epoch 3 whose first link, to epoch 2, does not open", do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.fleet.rotate()
			f.fleet.rotate()
			f.Fleets = [][]byte{f.relinked(func(links [][]byte) { clear(links[0]) })}
		}},
		{name: "links exchanged", about: "the authority has signed a fleet file of epoch 3 whose two links stand in each other's place", do: func(f *forge) {
			f.forOthers(kit.NoKey)
			f.fleet.rotate()
			f.fleet.rotate()
			f.Fleets = [][]byte{f.relinked(slices.Reverse[[][]byte])}
		}},
		{name: "broken older link", about: "a link to an epoch before the package's does not open, and nobody needs it", do: func(f *forge) {
			f.forMember()
			f.doc.Recipients = []cbor.RawMessage{f.wrapped(f.fleet.rotate())}
			f.resign(f.author)
			f.fleet.rotate()
			f.Fleets = [][]byte{f.relinked(func(links [][]byte) { clear(links[1]) })}
		}},
	}
}

// relinked is the reader's bundle around a fleet file with other links, which the
// authority has signed.
func (f *forge) relinked(change func(links [][]byte)) []byte {
	f.Helper()
	b := openBundle(f, f.fleet.bundle(f.reader))
	b.authored(f.authority, func(d *kitFleetDoc) { change(d.Links) })
	return b.encode()
}

// sign signs the present epoch's fleet file anew, so that it reaches the epochs
// of these secrets.
func (x *fleetFixture) sign(secrets ...*tgspcrypto.EpochSecret) {
	x.Helper()
	var err error
	x.file, err = fleet.Sign(x.authority, fleet.FileSpec{
		Name: x.file.Name(), Serial: x.file.Serial() + 1, KEM: x.kem, IssuedAt: x.issued, ValidUntil: x.validUntil,
		Agents: x.file.Agents(), EntriesHash: x.file.EntriesHash(), Secrets: secrets,
	})
	check(x, err)
}
