// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"slices"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// fleetFixture is a fleet with all that its authority knows.
type fleetFixture struct {
	testing.TB
	authority  *tgspcrypto.AuthorityKey
	kem        tgspcrypto.KEM
	agents     []*tgspcrypto.Identity
	secrets    []*tgspcrypto.EpochSecret // newest first
	file       *fleet.File
	entries    *fleet.Entries
	issued     time.Time
	validUntil time.Time
}

func newFleet(t testing.TB, kem tgspcrypto.KEM, agents ...*tgspcrypto.Identity) *fleetFixture {
	t.Helper()
	return newFleetOf(t, tgspcrypto.GenerateAuthorityKey(), kem, created.Add(24*time.Hour), agents...)
}

// newFleetOf is a fleet in its first epoch.
func newFleetOf(t testing.TB, authority *tgspcrypto.AuthorityKey, kem tgspcrypto.KEM, validUntil time.Time, agents ...*tgspcrypto.Identity) *fleetFixture {
	t.Helper()
	x := &fleetFixture{TB: t, authority: authority, kem: kem, agents: agents, issued: created, validUntil: validUntil}
	x.rotate()
	return x
}

// rotate begins a new epoch for the agents that there are.
func (x *fleetFixture) rotate() *FleetEpoch {
	x.Helper()
	epoch := fleet.NewEpochSecret(x.authority.Public().FleetID(), uint64(len(x.secrets)+1))
	x.secrets = append([]*tgspcrypto.EpochSecret{epoch}, x.secrets...)
	var all []*fleet.Entry
	for _, agent := range x.agents {
		e, err := fleet.NewEntry(agent.Recipient(), epoch)
		check(x, err)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *fleet.Entry) int { return bytes.Compare(a.Agent[:], b.Agent[:]) })
	var packed, nodes bytes.Buffer
	c := fleet.NewCommitter(&nodes)
	for _, e := range all {
		check(x, c.Add(e))
		packed.Write(e.AppendPacked(nil))
	}
	root, err := c.Root()
	check(x, err)
	x.entries = &fleet.Entries{Count: c.Agents(), KEM: x.kem, Packed: bytes.NewReader(packed.Bytes()), Nodes: bytes.NewReader(nodes.Bytes())}
	x.file, err = fleet.Sign(x.authority, fleet.FileSpec{
		Name: "robots", Serial: epoch.Epoch, KEM: x.kem, IssuedAt: x.issued, ValidUntil: x.validUntil,
		Agents: c.Agents(), EntriesHash: root, Secrets: x.secrets,
	})
	check(x, err)
	return NewFleetEpoch(x.file)
}

// revoke takes an agent out; the next epoch is without it.
func (x *fleetFixture) revoke(agent *tgspcrypto.Identity) {
	x.agents = slices.DeleteFunc(x.agents, func(a *tgspcrypto.Identity) bool { return a == agent })
}

// bundle is what the authority hands to an agent, a member or not.
func (x *fleetFixture) bundle(agent *tgspcrypto.Identity) []byte {
	x.Helper()
	b := fleet.NewBundle(x.file)
	_, err := b.Add(fleet.NewAgentID(agent.Recipient()), x.entries)
	check(x, err)
	return b.Encode()
}

// member is what an agent shows with what it was handed just now.
func (x *fleetFixture) member(agent *tgspcrypto.Identity) Membership {
	x.Helper()
	return membershipIn(x, x.bundle(agent), agent)
}

func membershipIn(t testing.TB, bundle []byte, agent *tgspcrypto.Identity) Membership {
	t.Helper()
	b, err := fleet.ParseBundle(bundle)
	check(t, err)
	k, err := b.Keyring([]*tgspcrypto.Identity{agent})
	check(t, err)
	return NewMembership(k)
}

// holder is who was handed the secret of the present epoch.
func (x *fleetFixture) holder() Membership {
	x.Helper()
	epochs, err := x.file.Unlock(x.secrets[0])
	check(x, err)
	return NewHolder(x.file, epochs)
}
