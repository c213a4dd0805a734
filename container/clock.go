// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"time"
)

// ClockSlack is by how much a clock may be wrong without anybody minding: behind
// the latest time that it has shown, or behind the time of a signature. Clocks
// of two machines that ask the same servers differ by far less, and a package
// that was made a moment ago has to open.
const ClockSlack = 10 * time.Minute

// firstPackage is the time before which no package of this format was made. A
// clock that shows less was never set: boards without a battery start in 1970,
// others at the day on which their system was built.
var firstPackage = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// ClockReason says what is wrong with a clock.
type ClockReason int

// What can be wrong with a clock.
const (
	ClockUnset    ClockReason = iota // it shows a time before the first package
	ClockWentBack                    // it has shown a later time before
	ClockBehind                      // something was signed later than it shows
)

// A ClockError says that a clock cannot be right, so that nobody can say whether
// a policy's window is open.
type ClockError struct {
	Reason ClockReason
	Now    time.Time // what the clock shows
	Other  time.Time // the time that shows it to be wrong
	What   string    // with ClockBehind: what was signed then
}

func (e *ClockError) Error() string {
	now, other := e.Now.UTC().Format(time.RFC3339), e.Other.UTC().Format(time.RFC3339)
	switch e.Reason {
	case ClockWentBack:
		return fmt.Sprintf("the clock went back: it shows %s, and it has shown %s before", now, other)
	case ClockBehind:
		return fmt.Sprintf("this clock is behind: %s was signed at %s, and it shows %s", e.What, other, now)
	default:
		return "the clock is not set: it shows " + now
	}
}

// CheckClock judges the clock by itself and by the latest time that it has shown.
// It returns a *ClockError or nil.
func (f Facts) CheckClock() error {
	switch {
	case f.Now.Before(firstPackage):
		return &ClockError{Reason: ClockUnset, Now: f.Now, Other: firstPackage}
	case f.Now.Before(f.Floor.Add(-ClockSlack)):
		return &ClockError{Reason: ClockWentBack, Now: f.Now, Other: f.Floor}
	}
	return nil
}

// CheckSigned judges the clock by a time at which something was signed. Such a
// time is another clock's word: it can refuse, and it never becomes the floor.
// It returns a *ClockError or nil.
func (f Facts) CheckSigned(what string, at time.Time) error {
	if at.After(f.Now.Add(ClockSlack)) {
		return &ClockError{Reason: ClockBehind, Now: f.Now, Other: at, What: what}
	}
	return nil
}

// checkTime judges the clock, and then by it the policy's window. Where the policy
// does not depend on the time, a board whose clock is not set can open the package.
func (e *Envelope) checkTime(f Facts) error {
	m := e.manifest
	if !m.Policy.DependsOnTime() {
		return nil
	}
	if err := f.CheckClock(); err != nil {
		return err
	}
	what := fmt.Sprintf("package %s %s", m.PackageID, m.Version)
	if err := f.CheckSigned(what, time.Unix(epoch(m.CreatedAt), 0)); err != nil {
		return err
	}
	if id := m.Policy.TargetFleet; len(id) > 0 {
		// A clock that was set back would make a fleet file valid again.
		if member := f.member(FleetID(id)); member != nil {
			if err := f.CheckSigned("the file of fleet "+member.Name, member.IssuedAt); err != nil {
				return err
			}
		}
	}
	return m.Policy.checkTime(f)
}
