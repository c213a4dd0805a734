// SPDX-License-Identifier: Apache-2.0

package container

import (
	"slices"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// Membership is what an agent's keyring shows of a fleet.
type Membership struct {
	Fleet      FleetID
	Name       string    // as the fleet's authority calls it
	Agent      string    // name of the agent in it, or "" where another holds the keys
	Epoch      uint64    // of the fleet file
	Oldest     uint64    // epoch that the keyring reaches
	IssuedAt   time.Time // when the fleet file was signed
	ValidUntil time.Time // from then on it counts no longer
	Revoked    bool      // the fleet file shows that the agent is not in it
	// Identity returns the key pair of an epoch, or an error where the keyring
	// does not reach it; nil where there are no keys.
	Identity func(epoch uint64) (*tgspcrypto.Identity, error)

	forget func() // wipes what Identity makes key pairs of; nil where nothing can be
}

// NewMembership returns what a keyring shows.
func NewMembership(k *fleet.Keyring) Membership {
	m := membershipOf(k.File)
	m.Agent = k.Agent().String()
	if m.Revoked = k.Revoked(); !m.Revoked {
		m.Identity, m.forget = k.Identity, k.Forget
	}
	return m
}

// NewHolder returns what the secret of an epoch gives its holder, who moves
// packages to a newer one and need not be an agent.
func NewHolder(f *fleet.File, epochs *fleet.Epochs) Membership {
	m := membershipOf(f)
	m.Identity, m.forget = epochs.Identity, epochs.Forget
	return m
}

func membershipOf(f *fleet.File) Membership {
	return Membership{Fleet: f.ID(), Name: f.Name(), Epoch: f.Epoch(), Oldest: f.Oldest(), IssuedAt: f.IssuedAt(), ValidUntil: f.ValidUntil()}
}

// NewFleetEpoch returns the epoch of a fleet file, to encrypt packages to.
func NewFleetEpoch(f *fleet.File) *FleetEpoch {
	return &FleetEpoch{Fleet: f.ID(), Epoch: f.Epoch(), Key: f.Recipient()}
}

// member returns what this agent has of a fleet, or nil.
func (f *Facts) member(id FleetID) *Membership {
	i := slices.IndexFunc(f.Fleets, func(m Membership) bool { return m.Fleet == id })
	if i < 0 {
		return nil
	}
	return &f.Fleets[i]
}

// Forget wipes the secrets of the fleets among the facts, for who has opened what
// there was to open and goes on. What they say stays, without keys.
func (f *Facts) Forget() {
	for i := range f.Fleets {
		m := &f.Fleets[i]
		if m.forget != nil {
			m.forget()
		}
		m.Identity, m.forget = nil, nil
	}
}
