// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// maxPackersBundle bounds what is read where the fleet file in it is all that
// counts, which has 64 KiB at most.
const maxPackersBundle = 1 << 20

// readBundle reads what a fleet's authority has handed out: a bundle, or a fleet
// file alone.
func readBundle(name string) (*fleet.Bundle, error) {
	data, err := readAtMost(name, fleet.MaxBundle)
	if err != nil {
		return nil, err
	}
	b, err := fleet.ParseBundle(data)
	return b, about(name, err)
}

// fleetFile reads a fleet file to encrypt to. It refuses one that is out of date:
// agents may have been revoked since, and an old file replayed would let them in.
func fleetFile(name string) (*fleet.File, error) {
	data, err := readAtMost(name, maxPackersBundle)
	if err != nil {
		return nil, err
	}
	if len(data) > maxPackersBundle {
		err := &fleet.FormatError{Part: "fleet bundle", Reason: "more than " + byteCount(maxPackersBundle) + ", and the fleet file is all that is needed of it"}
		return nil, withHint(about(name, err), "ask the fleet's authority for that file alone: tgsp fleet export NAME -o FILE")
	}
	b, err := fleet.ParseBundle(data)
	if err != nil {
		return nil, about(name, err)
	}
	now := time.Now()
	if err := b.File.CheckValid(now); err != nil {
		return nil, withHint(about(name, err), "ask the fleet's authority for its present file: tgsp fleet export %s -o FILE", b.File.Name())
	}
	// Within an epoch nobody is revoked, so that any file of it will do.
	if err := checkFleetFile(b.File, now, false); err != nil {
		return nil, about(name, err)
	}
	return b.File, nil
}

// checkFleetFile refuses a fleet file of an older epoch than was seen here, or, for
// an agent, of an older serial, and one that was signed later than this machine's
// clock says.
func checkFleetFile(f *fleet.File, now time.Time, agent bool) error {
	m := recall()
	if m.err != nil {
		return m.err
	}
	if err := (container.Facts{Now: now}).CheckSigned("the file of fleet "+f.Name(), f.IssuedAt()); err != nil {
		return err
	}
	epoch, serial := m.state.FleetSeen(f.ID())
	if f.Epoch() < epoch || agent && f.Serial() < serial {
		return withHint(fleetRollback("the file of", f, epoch, serial), "ask the fleet's authority for its present file: tgsp fleet export %s", f.Name())
	}
	return nil
}

// fleetRollback is the error for something of a fleet that is older than what was
// seen.
func fleetRollback(what string, f *fleet.File, epoch, serial uint64) error {
	return &container.RollbackError{
		What: fmt.Sprintf("%s fleet %s (%s)", what, f.Name(), f.ID().ShortID()),
		Seen: fmt.Sprintf("epoch %d, serial %d", epoch, serial), Got: fmt.Sprintf("epoch %d, serial %d", f.Epoch(), f.Serial()),
	}
}

// rememberFleet takes note of a fleet file that was accepted.
func rememberFleet(f *fleet.File) error {
	m := recall()
	return m.update(func(s *agentState) error {
		s.RecordFleet(f.ID(), f.Epoch(), f.Serial())
		return nil
	})
}

// isNotMember reports whether a bundle says nothing of this agent.
func isNotMember(err error) bool { return errors.As(err, new(*fleet.MemberError)) }
