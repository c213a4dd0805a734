// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/tensorguard/tgsp/container"
)

// parseGrace reads --grace.
func parseGrace(s string) (*time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return nil, usagef("--grace %q: want a duration, such as 90s or 72h", s)
	}
	if d < 0 || d%time.Second != 0 {
		return nil, usagef("--grace %s: want whole seconds, not fewer than none", s)
	}
	return &d, nil
}

// decideEnd finds out until when the mount stays open. A package that --grace
// closes already is refused, as one is that its policy closes.
func (s *service) decideEnd(p container.Policy) error {
	s.window = container.Policy{NotAfter: p.NotAfter, GraceSeconds: p.GraceSeconds}
	if p.NotAfter == 0 || s.graceTime == nil {
		s.closing.deadline = p.End()
		return nil
	}
	granted := container.FormatGrace(p.GraceSeconds)
	wanted := uint64(*s.graceTime / time.Second) //nolint:gosec // parseGrace refuses negative ones
	if wanted > p.GraceSeconds {
		s.app.warnf("--grace %s: the author grants %s, and the mount closes after that", *s.graceTime, granted)
	}
	s.window.GraceSeconds = min(wanted, p.GraceSeconds)
	s.closing.deadline = s.window.End()
	return withHint(about(s.pkg, s.window.Check(container.Facts{Now: s.app.now()})), "the author grants a grace of %s: without --grace all of it is used", granted)
}
