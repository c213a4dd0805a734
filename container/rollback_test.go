// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"strings"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func TestSeenCompare(t *testing.T) {
	// From the oldest to the newest.
	order := []Seen{
		{},
		{"1.0.0-alpha", 9, 9},
		{"1.0.0-alpha.1", 9, 9},
		{"1.0.0-alpha.beta", 1, 1},
		{"1.0.0-rc.1", 9, 9},
		{"1.0.0", 1, 1},
		{"1.0.0", 1, 2},
		{"1.0.0", 1, 1<<64 - 1},
		{"1.0.0", 2, 1}, // packed again: generations start anew
		{"1.0.0", 3, 4}, // and renewed
		{"1.0.1", 1, 1},
		{"1.2.0", 1, 1},
		{"1.10.0", 1, 1},
		{"2.0.0", 1, 1},
		{"18446744073709551616.0.0", 1, 1},
	}
	for i, a := range order {
		for j, b := range order {
			if got := a.Compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%+v and %+v: %d", a, b, got)
			}
		}
	}
	// By SemVer what was built counts for nothing.
	a, b := Seen{"1.0.0+linux", 5, 2}, Seen{"1.0.0+darwin", 5, 2}
	if a.Compare(b) != 0 || b.Compare(a) != 0 {
		t.Error("builds of one version differ")
	}
	if b.Generation--; a.Compare(b) <= 0 {
		t.Error("builds of one version have no order")
	}
}

// TestRollback takes a package through a new recipient, a renewal and a new
// version, and holds each state against what was seen.
func TestRollback(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, nil)
	states := []*Envelope{claims(t, x)}
	change := func(do func(c *Change) error) {
		t.Helper()
		c, err := BeginChange(x.name, x.trust())
		check(t, err)
		check(t, do(c))
		check(t, c.End())
		states = append(states, claims(t, x))
	}
	change(func(c *Change) error {
		_, err := c.AddRecipients([]*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()}, x.identities(), x.author)
		return err
	})
	renew := func(edit func(*Manifest)) {
		t.Helper()
		change(func(c *Change) error {
			return c.Renew(Renewal{Edit: edit, Recipients: x.recipients()}, Facts{}, x.identities(), x.author)
		})
	}
	renew(func(m *Manifest) { m.CreatedAt += 60; m.Policy.NotAfter = uint64(created.AddDate(9, 0, 0).Unix()) })
	renew(func(m *Manifest) { m.CreatedAt += 60; m.Version = "1.10.0" })
	for i, now := range states {
		check(t, now.CheckRollback(Seen{}))
		for j, before := range states {
			err := now.CheckRollback(before.Seen())
			if i >= j {
				check(t, err)
				continue
			}
			refusal := new(RollbackError)
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), "acme/model is older") || refusal.Seen == refusal.Got {
				t.Errorf("state %d after %d: %v", i, j, err)
			}
		}
	}
	want := "package acme/model is older than what was accepted before: it is version 1.2.3, signed at 2026-01-02T03:04:05Z, state 1, after version 1.2.3, signed at 2026-01-02T03:04:05Z, state 2"
	if err := states[0].CheckRollback(states[1].Seen()); err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

// TestRenewedWindow has an agent that was refused open the package when its
// author has moved the end of its window: the same body, one envelope further.
func TestRenewedWindow(t *testing.T) {
	end := uint64(created.Unix())
	x := pack(t, smallModel(), func(o *PackOptions) { o.Policy.NotAfter = end })
	open := func() (*Reader, error) { return x.open(x.bytes(t)) }
	if _, err := open(); !errors.As(err, new(*PolicyError)) {
		t.Fatalf("closed: %v", err)
	}
	before := claims(t, x)
	c, err := BeginChange(x.name, x.trust())
	check(t, err)
	later := func(m *Manifest) { m.Policy.NotAfter += uint64(time.Hour / time.Second) }
	check(t, c.Renew(Renewal{Edit: later, Recipients: x.recipients()}, Facts{}, x.identities(), x.author))
	check(t, c.End())
	r, err := open()
	check(t, err)
	x.checkContents(t, r)
	after := r.Envelope()
	if after.Generation() != before.Generation()+1 || after.Manifest().ContentHash != before.Manifest().ContentHash {
		t.Errorf("generation %d after %d", after.Generation(), before.Generation())
	}
	check(t, x.verify())
}

func claims(t *testing.T, x *fixture) *Envelope {
	t.Helper()
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	return f.Claims()
}
