// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"math"
	"strconv"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// FleetID names a fleet by the SHA-256 of its authority's public key.
type FleetID = tgspcrypto.FleetID

// Policy says who may open a package and when: the manifest's field
// policy_constraints. Times are seconds since 1970 (UTC); zero means that the
// clause is absent.
type Policy struct {
	TargetFleet  []byte `cbor:"target_fleet,omitempty"` // a FleetID, or empty
	NotBefore    uint64 `cbor:"not_before,omitempty"`
	NotAfter     uint64 `cbor:"not_after,omitempty"`
	GraceSeconds uint64 `cbor:"grace_seconds,omitempty"`
}

// maxTime is the last second of the year 9999, the last that RFC 3339 can write.
const maxTime = 253402300799

func (p *Policy) validate() error {
	const part = "manifest.policy_constraints"
	switch {
	case len(p.TargetFleet) != 0 && len(p.TargetFleet) != len(FleetID{}):
		return malformed(part, "target_fleet of %d bytes, want %d", len(p.TargetFleet), len(FleetID{}))
	case p.NotBefore > maxTime || p.NotAfter > maxTime || p.GraceSeconds > maxTime:
		return malformed(part, "a time after the year 9999")
	case p.NotAfter != 0 && p.NotBefore >= p.NotAfter:
		return malformed(part, "not_before is not earlier than not_after: nobody could ever open it")
	case p.GraceSeconds != 0 && p.NotAfter == 0:
		return malformed(part, "grace_seconds without not_after")
	}
	return nil
}

// Facts are what a policy is judged by. They are gathered outside, so that the
// judgement is the same for the same facts.
type Facts struct {
	Now    time.Time
	Floor  time.Time    // the latest time that this agent's clock has shown; zero if unknown
	Fleets []Membership // of this agent
}

// DependsOnTime reports whether what the policy says depends on the clock: it has
// a window, or names a fleet, whose files are valid for a time.
func (p Policy) DependsOnTime() bool {
	return p.NotBefore != 0 || p.NotAfter != 0 || len(p.TargetFleet) > 0
}

// Check returns a *PolicyError for the first clause that the facts violate, the
// fleet before the time, or nil. It takes the facts' clock for right.
func (p Policy) Check(f Facts) error {
	if err := p.checkFleet(f); err != nil {
		return err
	}
	return p.checkTime(f)
}

// checkFleet: an agent is in a fleet while its fleet file is valid and has it.
func (p Policy) checkFleet(f Facts) error {
	if len(p.TargetFleet) == 0 {
		return nil
	}
	id := FleetID(p.TargetFleet)
	want := "an agent of fleet " + id.String()
	m := f.member(id)
	switch {
	case m == nil && len(f.Fleets) == 0:
		return &PolicyError{ClauseTargetFleet, want, "an agent of no fleet"}
	case m == nil:
		return &PolicyError{ClauseTargetFleet, want, "an agent of fleet " + f.Fleets[0].Fleet.String()}
	case m.Revoked:
		return &PolicyError{ClauseTargetFleet, want, fmt.Sprintf("an agent that is not in it: epoch %d of %s does not have it", m.Epoch, m.Name)}
	case f.Now.Unix() >= m.ValidUntil.Unix():
		return &PolicyError{ClauseTargetFleet, "a fleet file of " + m.Name + " that is valid at " + f.Now.UTC().Format(time.RFC3339),
			"one that was valid until " + m.ValidUntil.UTC().Format(time.RFC3339)}
	}
	return nil
}

// checkTime: a package is open for not_before <= now < not_after + grace.
func (p Policy) checkTime(f Facts) error {
	now := f.Now.Unix()
	if p.NotBefore != 0 && now < epoch(p.NotBefore) {
		return &PolicyError{ClauseNotBefore, "a time from " + FormatTime(p.NotBefore), f.Now.UTC().Format(time.RFC3339)}
	}
	if end := p.end(); end != 0 && now >= end {
		want := "a time before " + FormatTime(p.NotAfter)
		if p.GraceSeconds != 0 {
			want += " and " + FormatGrace(p.GraceSeconds) + " of grace"
		}
		return &PolicyError{ClauseNotAfter, want, f.Now.UTC().Format(time.RFC3339)}
	}
	return nil
}

// End returns the time from which the package is closed, or the zero time where
// it stays open for ever.
func (p Policy) End() time.Time {
	if end := p.end(); end != 0 {
		return time.Unix(end, 0).UTC()
	}
	return time.Time{}
}

func (p Policy) end() int64 {
	if p.NotAfter == 0 {
		return 0
	}
	return epoch(p.NotAfter) + epoch(p.GraceSeconds)
}

// FormatTime writes seconds since 1970 as RFC 3339 in UTC.
func FormatTime(seconds uint64) string {
	return time.Unix(epoch(seconds), 0).UTC().Format(time.RFC3339)
}

// FormatGrace writes a span in seconds as people do, such as 24h0m0s.
func FormatGrace(seconds uint64) string {
	if seconds > math.MaxInt64/uint64(time.Second) { // centuries
		return strconv.FormatUint(seconds, 10) + "s"
	}
	return (time.Duration(seconds) * time.Second).String()
}

// epoch converts a time of the manifest, which validate has bounded.
func epoch(seconds uint64) int64 { return int64(min(seconds, maxTime)) } // bounded
