// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// keyringSuffix ends the names of installed bundles; before it stands the fleet_id.
const keyringSuffix = ".bundle"

// keyringFile returns where the bundle of a fleet is installed.
func keyringFile(id container.FleetID) (string, error) {
	return inHome(filepath.Join(keyringFolder, id.String()+keyringSuffix))
}

// installedBundle returns what this agent was handed by a fleet, or nil.
func installedBundle(id container.FleetID) (*fleet.Bundle, error) {
	name, err := keyringFile(id)
	if err != nil {
		return nil, err
	}
	b, err := readBundle(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, withHint(&keyringError{err}, "install it again: tgsp fleet install FILE")
	}
	return b, nil
}

// keyringError is an installed bundle that cannot be used. What is wrong with it
// is no fault of the package that is to be opened, and has not its exit codes.
type keyringError struct{ err error }

func (e *keyringError) Error() string {
	return "what this agent was handed by a fleet: " + e.err.Error()
}

// checkAge refuses a bundle of an older epoch than this machine has seen, which
// somebody has put back: it may show an agent that was revoked since.
func checkAge(f *fleet.File, state *agentState) error {
	seen, serial := state.FleetSeen(f.ID())
	if f.Epoch() >= seen {
		return nil
	}
	err := fleetRollback("what this agent was handed by", f, seen, serial)
	return withHint(err, "ask the fleet's authority for: tgsp fleet export %s --agent AGENT, then: tgsp fleet install FILE", f.Name())
}

// keyring returns what this agent has of a fleet, or nil.
func keyring(id container.FleetID, identities []*tgspcrypto.Identity) (*fleet.Keyring, error) {
	b, err := installedBundle(id)
	if b == nil || err != nil {
		return nil, err
	}
	k, err := b.Keyring(identities)
	if isNotMember(err) {
		return nil, nil // it was installed for another identity
	}
	return k, err
}

// memberships returns what this agent has of the fleets that a package names: in
// its policy and among its recipients. Where a keyring is older than what is known,
// it is there all the same, and old says so: other refusals come first.
func memberships(e *container.Envelope, identities []*tgspcrypto.Identity, state *agentState) (all []container.Membership, old, err error) {
	ids := map[container.FleetID]bool{}
	if target := e.Manifest().Policy.TargetFleet; len(target) > 0 {
		ids[container.FleetID(target)] = true
	}
	for _, r := range e.Recipients() {
		if r.Fleet != nil {
			ids[*r.Fleet] = true
		}
	}
	for id := range ids {
		k, err := keyring(id, identities)
		if err != nil {
			return nil, nil, err
		}
		if k == nil {
			continue
		}
		all = append(all, container.NewMembership(k))
		if err := checkAge(k.File, state); err != nil {
			old = err
		}
	}
	return all, old, nil
}

// installedBundles returns all that this agent was handed.
func installedBundles() ([]*fleet.Bundle, error) {
	names, err := listHome(keyringFolder, keyringSuffix)
	if err != nil {
		return nil, err
	}
	var all []*fleet.Bundle
	for _, name := range names {
		b, err := readBundle(name)
		if err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, nil
}
