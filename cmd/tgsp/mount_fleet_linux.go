// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// watchFleet closes the mount of a package for a fleet when a bundle is installed
// by which this agent is not in the fleet any more. It keeps no keys.
func (s *service) watchFleet(opened *session) {
	for i := range opened.facts.Fleets {
		m := &opened.facts.Fleets[i]
		agent, err := fleet.ParseAgentID(m.Agent)
		if err != nil {
			continue // keys that are no agent's
		}
		s.closing.checks = append(s.closing.checks, revokedFrom(m.Fleet, agent))
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
