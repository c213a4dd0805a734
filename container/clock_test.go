// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	never := time.Time{}
	for _, c := range []struct {
		name       string
		now, floor time.Time
		want       string // the error's beginning, or "" for a clock that will do
	}{
		{"never seen before", created, never, ""},
		{"as late as before", created, created, ""},
		{"later", created.Add(time.Hour), created, ""},
		{"a little earlier", created.Add(-ClockSlack), created, ""},
		{"earlier", created.Add(-ClockSlack - time.Second), created, "the clock went back: it shows 2026-01-02T02:54:04Z, and it has shown 2026-01-02T03:04:05Z before"},
		{"years earlier", created, created.AddDate(73, 0, 0), "the clock went back: "},
		{"1970", time.Unix(5, 0), never, "the clock is not set: it shows 1970-01-01T00:00:05Z"},
		{"1970 after a jump", time.Unix(5, 0), created, "the clock is not set: "},
		{"before 1970", time.Unix(-5, 0), never, "the clock is not set: it shows 1969-12-31"},
		{"the last second of 2025", firstPackage.Add(-time.Second), never, "the clock is not set: "},
		{"the first of 2026", firstPackage, never, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantClockError(t, Facts{Now: c.now, Floor: c.floor}.CheckClock(), c.want)
		})
	}
}

func TestClockBesideSignatures(t *testing.T) {
	f := Facts{Now: created}
	for _, c := range []struct {
		name   string
		signed time.Time
		want   string
	}{
		{"long ago", created.AddDate(-9, 0, 0), ""},
		{"now", created, ""},
		{"by a clock that is a little ahead", created.Add(ClockSlack), ""},
		{"by a clock that is ahead", created.Add(ClockSlack + time.Second), "this clock is behind: a list was signed at 2026-01-02T03:14:06Z, and it shows 2026-01-02T03:04:05Z"},
		{"in the year 9999", time.Unix(maxTime, 0), "this clock is behind: a list was signed at 9999-12-31T23:59:59Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantClockError(t, f.CheckSigned("a list", c.signed), c.want)
		})
	}
}

func wantClockError(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		check(t, err)
		return
	}
	if !errors.As(err, new(*ClockError)) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestClockAtOpen opens a package at several times: the clock counts after the
// key and before the window, and only where there is a window.
func TestClockAtOpen(t *testing.T) {
	none, until, from := Policy{}, Policy{NotAfter: uint64(created.AddDate(1, 0, 0).Unix())}, Policy{NotBefore: uint64(created.AddDate(0, 0, -1).Unix())}
	at := func(now, floor time.Time) Facts { return Facts{Now: now, Floor: floor} }
	hour := time.Hour
	for _, c := range []struct {
		name   string
		policy Policy
		facts  Facts
		want   any // nil, or a pointer to the error's type
		reason ClockReason
	}{
		{"right", until, at(created.Add(hour), created), nil, 0},
		{"no window, in 1970", none, at(time.Unix(5, 0), created), nil, 0},
		{"no window, gone back", none, at(created.Add(hour), created.AddDate(9, 0, 0)), nil, 0},
		{"no window, behind", none, at(created.Add(-hour), time.Time{}), nil, 0},
		{"until, in 1970", until, at(time.Unix(5, 0), created), new(*ClockError), ClockUnset},
		{"until, gone back", until, at(created.Add(hour), created.Add(3*hour)), new(*ClockError), ClockWentBack},
		{"until, behind", until, at(created.Add(-hour), time.Time{}), new(*ClockError), ClockBehind},
		{"from, in 1970", from, at(time.Unix(5, 0), created), new(*ClockError), ClockUnset},
		{"from, gone back", from, at(created.Add(hour), created.Add(3*hour)), new(*ClockError), ClockWentBack},
		{"from, behind", from, at(created.Add(-hour), time.Time{}), new(*ClockError), ClockBehind},
		{"gone back to before the window", Policy{NotBefore: uint64(created.AddDate(0, 1, 0).Unix())}, at(created.AddDate(0, 0, 9), created.AddDate(0, 2, 0)), new(*ClockError), ClockWentBack},
		{"closed", until, at(created.AddDate(2, 0, 0), created), new(*PolicyError), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := pack(t, map[string][]byte{"a": {1}}, func(o *PackOptions) { o.Policy = c.policy })
			f, err := OpenFile(x.name)
			check(t, err)
			defer f.Close() // only read
			a, err := f.Accept(x.trust())
			check(t, err)
			_, err = a.Open(c.facts, x.identities())
			if (c.want == nil) != (err == nil) || c.want != nil && !errors.As(err, c.want) {
				t.Fatalf("got %v", err)
			}
			if clock := new(ClockError); errors.As(err, &clock) && clock.Reason != c.reason {
				t.Errorf("got %v", err)
			}
			if _, err = a.Open(c.facts, nil); !errors.As(err, new(*NoKeyError)) {
				t.Errorf("without a key: %v", err)
			}
			// A time that was given is nobody's clock.
			given := created.AddDate(0, 0, -1)
			if from := c.policy.NotBefore; from != 0 {
				given = time.Unix(int64(from), 0)
			}
			_, err = f.Verify(t.Context(), VerifyOptions{Trust: x.trust(), Identities: x.identities(), At: &given})
			check(t, err)
		})
	}
}
