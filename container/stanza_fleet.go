// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// fleetPrefix stands before a KEM's name in the type of an entry for a fleet.
const fleetPrefix = "fleet-"

// fleetPublic is what the key wrap for a fleet authenticates as additional data.
type fleetPublic struct {
	Type  string  `cbor:"type"`
	Fleet FleetID `cbor:"fleet_id"`
	Epoch uint64  `cbor:"epoch"`
}

// fleetStanza is the data key for all agents of a fleet: it is encrypted to the
// public key of one of its epochs (FORMAT.md, section 6.1).
type fleetStanza struct {
	Type       string  `cbor:"type"`
	Fleet      FleetID `cbor:"fleet_id"`
	Epoch      uint64  `cbor:"epoch"`
	Enc        []byte  `cbor:"enc"`
	WrappedKey []byte  `cbor:"wrapped_key"`
}

func (s *fleetStanza) public() []byte { return encode(fleetPublic{s.Type, s.Fleet, s.Epoch}) }

// FleetEpoch is a fleet as packages are encrypted to it: the public key of one of
// its epochs, as its fleet file states it.
type FleetEpoch struct {
	Fleet FleetID
	Epoch uint64
	Key   *tgspcrypto.Recipient
}

// fleetKEM returns the kind of key of an entry for a fleet.
func fleetKEM(kind string) (tgspcrypto.KEM, bool) {
	name, ok := strings.CutPrefix(kind, fleetPrefix)
	kem := tgspcrypto.KEM(name)
	return kem, ok && kem.EncapsulationSize() > 0
}

func parseFleetRecipient(raw cbor.RawMessage, kem tgspcrypto.KEM) (*Recipient, error) {
	const part = "envelope.recipients"
	s := new(fleetStanza)
	if err := decode(part, raw, s); err != nil {
		return nil, err
	}
	if s.Epoch == 0 {
		return nil, malformed(part, "epoch 0 of a fleet, and they are counted from 1")
	}
	if err := checkWrapped(s.Type, s.Enc, s.WrappedKey, kem.EncapsulationSize()); err != nil {
		return nil, err
	}
	return &Recipient{Type: s.Type, Fleet: &s.Fleet, Epoch: s.Epoch, raw: raw, fleet: s}, nil
}

// wrapForFleet makes the entry of a fleet.
func wrapForFleet(f *FleetEpoch, dek, manifest []byte) (*Recipient, error) {
	s := &fleetStanza{Type: fleetPrefix + string(f.Key.KEM()), Fleet: f.Fleet, Epoch: f.Epoch}
	var err error
	if s.Enc, s.WrappedKey, err = f.Key.Wrap(dek, wrapInfo(manifest), s.public()); err != nil {
		return nil, err
	}
	return parseRecipient(encode(s))
}

// unwrapFleet returns the data key by the keys of this agent's fleets. Where an
// entry is for one of them, and the agent's keys do not reach its epoch, it says
// which epochs are missing.
func unwrapFleet(recipients []*Recipient, info []byte, facts Facts) ([]byte, *MissingEpoch) {
	var missing *MissingEpoch
	for _, r := range recipients {
		if r.fleet == nil {
			continue
		}
		member := facts.member(*r.Fleet)
		if member == nil || member.Identity == nil {
			continue
		}
		identity, err := member.Identity(r.Epoch)
		if err != nil {
			missing = &MissingEpoch{*r.Fleet, member.Name, r.Epoch, member.Oldest, member.Epoch}
			continue
		}
		s := r.fleet
		dek, err := identity.Unwrap(s.Enc, s.WrappedKey, info, s.public())
		if err == nil && len(dek) == tgspcrypto.KeySize {
			return dek, nil
		}
	}
	return nil, missing
}

// checkRecipients refuses whoever is not of the fleet that the policy names: a
// key of its own would open the package for somebody whom the fleet's authority
// does not know.
func (e *Envelope) checkRecipients() error {
	if len(e.manifest.Policy.TargetFleet) == 0 {
		return nil
	}
	want := FleetID(e.manifest.Policy.TargetFleet)
	for _, r := range e.recipients {
		if r.Fleet == nil || *r.Fleet != want {
			return &PolicyError{ClauseTargetFleet, "recipients of fleet " + want.String() + " alone", "the recipient " + r.String()}
		}
	}
	return nil
}
