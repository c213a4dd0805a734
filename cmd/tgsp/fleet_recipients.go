// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// fleetRecipient reads the fleet file of --fleet, which stands in place of other
// recipients.
func (a *app) fleetRecipient(name string, lines, files []string) (*fleet.File, error) {
	if len(lines)+len(files) > 0 {
		return nil, usagef("a package for a fleet opens for its agents alone: --fleet does not go with -r and -R")
	}
	file, err := fleetFile(name)
	if err != nil {
		return nil, err
	}
	if err := rememberFleet(file); err != nil {
		return nil, err
	}
	a.notef("for %s\n", fleetLine(file))
	return file, nil
}

// hintFleet gives the next step where the fleet of a package's policy forbids a
// change of it.
func hintFleet(err error, hint string) error {
	if p := new(container.PolicyError); errors.As(err, &p) && p.Clause == container.ClauseTargetFleet {
		return withHint(err, "%s", hint)
	}
	return err
}

// opensFor says in words for whom a package opens.
func opensFor(e *container.Envelope) string {
	if r := e.Recipients(); len(r) == 1 && r[0].Fleet != nil {
		return fmt.Sprintf("fleet %s from epoch %d on", r[0].Fleet.ShortID(), r[0].Epoch)
	}
	return countOf(len(e.Recipients()), "recipient")
}

// fleetKeys gathers the keys by which a package for a fleet can be opened to be
// changed: an epoch's secret from a file, where one is named; those of a fleet
// that this user is the authority of; or this agent's own. The file of the fleet
// that it is moved to may lead from the secret to earlier epochs.
func (a *app) fleetKeys(e *container.Envelope, secretFile string, to *fleet.File, identities []*tgspcrypto.Identity) ([]container.Membership, error) {
	if secretFile != "" {
		secret, err := tgspcrypto.ReadEpochSecretFile(secretFile)
		if err != nil {
			return nil, err
		}
		a.checkPermissions(secretFile)
		m, err := epochHolder(secret, e, to)
		return []container.Membership{m}, err
	}
	target := e.Manifest().Policy.TargetFleet
	if len(target) == 0 {
		return nil, nil
	}
	m, err := a.ownFleetKeys(container.FleetID(target))
	if err != nil {
		return nil, err
	}
	if m != nil {
		return []container.Membership{*m}, nil
	}
	all, old, err := memberships(e, identities, recall().state)
	return all, errors.Join(err, old)
}

// epochHolder is somebody with the secret of one epoch. The fleet file of that
// epoch, where it was given or is installed here, leads to earlier ones.
func epochHolder(secret *tgspcrypto.EpochSecret, e *container.Envelope, given *fleet.File) (container.Membership, error) {
	files := []*fleet.File{given}
	b, err := installedBundle(secret.Fleet)
	if err != nil {
		return container.Membership{}, err
	}
	if b != nil {
		files = append(files, b.File)
	}
	for _, file := range files {
		if file == nil || file.ID() != secret.Fleet || file.Epoch() != secret.Epoch {
			continue
		}
		epochs, err := file.Unlock(secret)
		if err != nil {
			return container.Membership{}, err
		}
		return container.NewHolder(file, epochs), nil
	}
	kem := tgspcrypto.X25519
	for _, r := range e.Recipients() {
		if r.Fleet != nil {
			kem = r.KEM()
		}
	}
	return container.Membership{
		Fleet: secret.Fleet, Name: secret.Fleet.ShortID(), Epoch: secret.Epoch, Oldest: secret.Epoch,
		Identity: func(epoch uint64) (*tgspcrypto.Identity, error) {
			if epoch != secret.Epoch {
				return nil, &fleet.EpochError{Fleet: secret.Fleet, Want: epoch, Oldest: secret.Epoch, Newest: secret.Epoch}
			}
			return fleet.EpochIdentity(secret, kem)
		},
	}, nil
}

// ownFleetKeys returns the keys of a fleet that this user is the authority of, of
// all epochs, or nil. It has nothing to do with other fleets: that one is damaged,
// or that a command is at work on it, is no matter.
func (a *app) ownFleetKeys(id container.FleetID) (m *container.Membership, err error) {
	names, err := a.fleetFolders()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		dir, err := fleetDir(name)
		if err != nil {
			return nil, err
		}
		owner, err := authority.ReadID(dir)
		if err != nil {
			a.leaveOut(err)
			continue
		}
		if owner != id {
			continue
		}
		s, err := a.openFleet(name)
		if err != nil {
			return nil, err
		}
		m, err = allEpochs(s)
		if err = errors.Join(err, s.Close()); err != nil || m != nil {
			return m, err
		}
	}
	return nil, nil
}

// allEpochs reads the secrets of all epochs, so that the fleet need not stay open.
func allEpochs(s *authority.Store) (*container.Membership, error) {
	file, err := s.File()
	if err != nil || file == nil {
		return nil, err
	}
	secrets := map[uint64]*tgspcrypto.EpochSecret{}
	for epoch := uint64(1); epoch <= file.Epoch(); epoch++ {
		if secrets[epoch], err = s.Secret(epoch); err != nil {
			return nil, err
		}
	}
	kem := s.KEM()
	return &container.Membership{
		Fleet: s.ID(), Name: s.Name(), Epoch: file.Epoch(), Oldest: 1, ValidUntil: file.ValidUntil(),
		Identity: func(epoch uint64) (*tgspcrypto.Identity, error) {
			secret := secrets[epoch]
			if secret == nil {
				return nil, &fleet.EpochError{Fleet: s.ID(), Want: epoch, Oldest: 1, Newest: file.Epoch()}
			}
			return fleet.EpochIdentity(secret, kem)
		},
	}, nil
}
