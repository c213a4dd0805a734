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
		return nil, withHint(err, "install it again: tgsp fleet install FILE")
	}
	return b, nil
}

// membership returns what this agent has of a fleet, or nil.
func membership(id container.FleetID, identities []*tgspcrypto.Identity) (*container.Membership, error) {
	b, err := installedBundle(id)
	if b == nil || err != nil {
		return nil, err
	}
	k, err := b.Keyring(identities)
	if isNotMember(err) {
		return nil, nil // it was installed for another identity
	}
	if err != nil {
		return nil, err
	}
	m := container.NewMembership(k)
	return &m, nil
}

// memberships returns what this agent has of the fleets that a package names: in
// its policy and among its recipients.
func memberships(e *container.Envelope, identities []*tgspcrypto.Identity) ([]container.Membership, error) {
	ids := map[container.FleetID]bool{}
	if target := e.Manifest().Policy.TargetFleet; len(target) > 0 {
		ids[container.FleetID(target)] = true
	}
	for _, r := range e.Recipients() {
		if r.Fleet != nil {
			ids[*r.Fleet] = true
		}
	}
	var all []container.Membership
	for id := range ids {
		m, err := membership(id, identities)
		if err != nil {
			return nil, err
		}
		if m != nil {
			all = append(all, *m)
		}
	}
	return all, nil
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
