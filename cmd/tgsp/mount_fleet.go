// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// watchFleet closes the mount of a package for a fleet when a bundle is installed
// by which this agent is not in the fleet any more, or when what is installed of
// the policy's fleet is out of date. It keeps no keys.
func (s *service) watchFleet(opened *session) {
	if target := opened.reader.Envelope().Manifest().Policy.TargetFleet; len(target) > 0 {
		id := container.FleetID(target)
		s.closing.checks = append(s.closing.checks, s.outOfDate(id))
		s.fleetEnd = fleetEnd(opened.facts.Fleets, id)
	}
	for i := range opened.facts.Fleets {
		m := &opened.facts.Fleets[i]
		agent, err := fleet.ParseAgentID(m.Agent)
		if err != nil {
			continue // keys that are no agent's
		}
		s.closing.checks = append(s.closing.checks, revokedFrom(m.Fleet, agent))
	}
}

// fleetEnd is when the file of a fleet that is in force ends.
func fleetEnd(fleets []container.Membership, id container.FleetID) time.Time {
	for i := range fleets {
		if fleets[i].Fleet == id {
			return fleets[i].ValidUntil
		}
	}
	return time.Time{}
}

// outOfDate looks at the end of a fleet's file. Before it closes the mount it looks
// for a newer one, which may have been installed since.
func (s *service) outOfDate(id container.FleetID) func() (string, bool) {
	return func() (string, bool) {
		if s.closing.time().Before(s.fleetEnd) {
			return "", false
		}
		if b, err := installedBundle(id); err == nil && b != nil && b.File.ValidUntil().After(s.fleetEnd) {
			s.fleetEnd = b.File.ValidUntil()
			return "", false
		}
		return fmt.Sprintf("the file of fleet %s was valid until %s", id.ShortID(), s.fleetEnd.UTC().Format(time.RFC3339)), true
	}
}

// revokedFrom looks at what is installed of a fleet, whenever that has changed.
func revokedFrom(id container.FleetID, agent fleet.AgentID) func() (string, bool) {
	var seen fs.FileInfo
	return func() (string, bool) {
		name, err := keyringFile(id)
		if err != nil {
			return "", false
		}
		info, err := os.Stat(name)
		// A file that is gone says nothing: who is a member stays one until a
		// newer file takes the place of this one.
		if err != nil || seen != nil && os.SameFile(info, seen) && info.ModTime().Equal(seen.ModTime()) {
			return "", false
		}
		b, err := readBundle(name)
		if err != nil {
			return "", false // half written, or damaged: it is looked at again
		}
		seen = info
		if !b.Absent(agent) {
			return "", false
		}
		return fmt.Sprintf("epoch %d of fleet %s does not have this agent", b.File.Epoch(), b.File.Name()), true
	}
}
