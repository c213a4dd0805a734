// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/tensorguard/tgsp/container"
)

// parseTime reads a flag's time by RFC 3339.
func parseTime(flag, s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usagef("--%s %q: want a time by RFC 3339, such as 2027-01-31T18:00:00Z", flag, s)
	}
	if t.Unix() <= 0 {
		return t, usagef("--%s %s: want a time after 1970", flag, s)
	}
	return t, nil
}

// window is the part of a policy that flags set.
type window struct {
	notBefore, notAfter string
	grace               time.Duration
}

// apply writes the flags that were given into a policy. "never" takes a clause out.
func (w *window) apply(p *container.Policy) error {
	for flag, clause := range map[string]struct {
		given string
		field *uint64
	}{"not-before": {w.notBefore, &p.NotBefore}, "not-after": {w.notAfter, &p.NotAfter}} {
		switch clause.given {
		case "":
		case "never":
			*clause.field = 0
		default:
			t, err := parseTime(flag, clause.given)
			if err != nil {
				return err
			}
			*clause.field = uint64(t.Unix()) //nolint:gosec // parseTime has made sure that it is positive
		}
	}
	if w.grace < 0 || w.grace%time.Second != 0 {
		return usagef("--grace %s: want whole seconds", w.grace)
	}
	if w.grace > 0 {
		p.GraceSeconds = uint64(w.grace / time.Second) // not negative
	}
	if p.NotAfter == 0 {
		p.GraceSeconds = 0
		if w.grace > 0 {
			return usagef("--grace goes with --not-after")
		}
	}
	if p.NotAfter != 0 && p.NotBefore >= p.NotAfter {
		return usagef("the window closes at %s, before it opens at %s", container.FormatTime(p.NotAfter), container.FormatTime(p.NotBefore))
	}
	return nil
}

// warnClosed says that a window is past already: it may be meant so.
func (a *app) warnClosed(p container.Policy) {
	if end := p.End(); !end.IsZero() && end.Before(time.Now()) {
		a.warnf("%s is past: nobody will be able to open the package", container.FormatTime(p.NotAfter))
	}
}

// windowText says in words when a package is open.
func windowText(p container.Policy) string {
	text := "always"
	switch {
	case p.NotBefore != 0 && p.NotAfter != 0:
		text = "from " + container.FormatTime(p.NotBefore) + " to " + container.FormatTime(p.NotAfter)
	case p.NotBefore != 0:
		text = "from " + container.FormatTime(p.NotBefore)
	case p.NotAfter != 0:
		text = "until " + container.FormatTime(p.NotAfter)
	}
	if p.GraceSeconds != 0 {
		text += ", with " + container.FormatGrace(p.GraceSeconds) + " of grace"
	}
	return text
}
