// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"time"

	"github.com/tensorguard/tgsp/container"
)

// agentState is what this agent remembers from one run to the next, so that
// neither its clock nor a package can go back unnoticed. The zero value, with
// which every agent starts, knows nothing.
type agentState struct {
	Format   int                    `json:"format"`
	Floor    uint64                 `json:"floor,omitempty"`    // the latest time of the clock, in seconds since 1970
	Packages map[string]seenPackage `json:"packages,omitempty"` // by author_id/package_id
	Fleets   map[string]seenFleet   `json:"fleets,omitempty"`   // by fleet id
}

// seenPackage is a container.Seen as it is written.
type seenPackage struct {
	Version    string `json:"version"`
	CreatedAt  uint64 `json:"created_at"`
	Generation uint64 `json:"generation"`
}

// seenFleet is how far a fleet had come: first the epoch counts, then the serial
// number of the file that tells of it.
type seenFleet struct {
	Epoch  uint64 `json:"epoch"`
	Serial uint64 `json:"serial"`
}

// floorStep is how far the clock has to go on before that is written down again.
const floorStep = time.Minute

// floor returns the latest time that the clock has shown, or the zero time.
func (s *agentState) floor() time.Time {
	if s.Floor == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s.Floor), 0) //nolint:gosec // bounded when it is decoded
}

// raiseFloor takes note of what the clock shows. It never lowers the floor.
func (s *agentState) raiseFloor(now time.Time) {
	if floor := s.floor(); floor.IsZero() || now.Sub(floor) >= floorStep {
		s.setFloor(now)
	}
}

// setFloor makes a time the floor, whatever it was before.
func (s *agentState) setFloor(now time.Time) { s.Floor = uint64(max(0, now.Unix())) }

// packageKey names an author's package: no package id holds what author ids are
// made of before its first slash.
func packageKey(m *container.Manifest) string { return m.AuthorID.String() + "/" + m.PackageID }

// seen returns how far a package was when it was accepted last, or zero.
func (s *agentState) seen(e *container.Envelope) container.Seen {
	return container.Seen(s.Packages[packageKey(e.Manifest())])
}

// record takes note of a package that was accepted. The newest wins, unless the
// user wants to go back.
func (s *agentState) record(e *container.Envelope, back bool) {
	got := e.Seen()
	if order := got.Compare(s.seen(e)); order == 0 || order < 0 && !back {
		return
	}
	if s.Packages == nil {
		s.Packages = make(map[string]seenPackage)
	}
	s.Packages[packageKey(e.Manifest())] = seenPackage(got)
}

// FleetSeen returns how far a fleet was when its file was accepted last, or zeros.
func (s *agentState) FleetSeen(id container.FleetID) (epoch, serial uint64) {
	f := s.Fleets[id.String()]
	return f.Epoch, f.Serial
}

// RecordFleet takes note of a fleet's file that was accepted. The newest wins.
func (s *agentState) RecordFleet(id container.FleetID, epoch, serial uint64) {
	if e, n := s.FleetSeen(id); epoch < e || epoch == e && serial <= n {
		return
	}
	if s.Fleets == nil {
		s.Fleets = make(map[string]seenFleet)
	}
	s.Fleets[id.String()] = seenFleet{epoch, serial}
}

// isID reports whether a text is an id of 32 bytes as this program writes it.
func isID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && hex.EncodeToString(b) == s
}
