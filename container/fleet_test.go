// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// packForFleet packs a small model for the present epoch of a fleet.
func packForFleet(t *testing.T, x *fleetFixture) *fixture {
	t.Helper()
	return pack(t, smallModel(), func(o *PackOptions) {
		o.Recipients, o.Fleet = nil, NewFleetEpoch(x.file)
	})
}

// openAs opens a package with what an agent has of fleets.
func openAs(t *testing.T, x *fixture, at time.Time, ids []*tgspcrypto.Identity, fleets ...Membership) error {
	t.Helper()
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	a, err := f.Accept(x.trust())
	check(t, err)
	facts := Facts{Now: at, Fleets: fleets}
	r, err := a.Open(facts, ids)
	if err == nil {
		x.checkContents(t, r)
	}
	e := new(PolicyError)
	closed := errors.As(err, &e) && e.Clause != ClauseTargetFleet // which CanOpen does not look at
	if !closed && (err == nil) != a.CanOpen(facts, ids) {
		t.Errorf("opening says %v, CanOpen says %v", err, err != nil)
	}
	return err
}

// What was open stays so when the facts have forgotten their keys, and nothing
// else is opened by them.
func TestFactsForget(t *testing.T) {
	agent := newIdentity(t, tgspcrypto.X25519)
	robots := newFleet(t, tgspcrypto.X25519, agent)
	x := packForFleet(t, robots)
	f, err := OpenFile(x.name)
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	facts := Facts{Now: created, Fleets: []Membership{robots.member(agent), robots.holder(), {}}}
	before := facts.Fleets[0]
	r, err := a.Open(facts, nil)
	check(t, err)
	defer r.Close() // only read
	facts.Forget()
	x.checkContents(t, r)
	for i := range facts.Fleets {
		if facts.Fleets[i].Identity != nil {
			t.Errorf("membership %d has keys", i)
		}
	}
	if facts.Fleets[0].Agent != before.Agent || facts.Fleets[0].Epoch != before.Epoch {
		t.Errorf("what it says has changed: %+v", facts.Fleets[0])
	}
	if a.CanOpen(facts, nil) {
		t.Error("it opens with keys that were forgotten")
	}
	// Nor by a copy of the keys that somebody has kept.
	if _, err := before.Identity(before.Epoch); !errors.As(err, new(*fleet.EpochError)) {
		t.Errorf("a key of what was forgotten: %v", err)
	}
}

func wantFleetRefusal(t *testing.T, err error, got string) {
	t.Helper()
	e := new(PolicyError)
	if !errors.As(err, &e) || e.Clause != ClauseTargetFleet || !strings.Contains(e.Got, got) {
		t.Errorf("%v: want a refusal by the fleet that found %q", err, got)
	}
}

func TestFleetOpens(t *testing.T) {
	for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
		agent, other := newIdentity(t, kem), newIdentity(t, kem)
		robots := newFleet(t, kem, agent, other)
		x := packForFleet(t, robots)
		m := mustManifest(t, x)
		if !bytes.Equal(m.Policy.TargetFleet, NewFleetEpoch(robots.file).Fleet[:]) {
			t.Error("the policy does not name the fleet")
		}
		for range 3 { // later epochs reach it
			check(t, openAs(t, x, created, nil, robots.member(agent)))
			check(t, openAs(t, x, created, nil, robots.member(other)))
			robots.rotate()
		}
		f, err := OpenFile(x.name)
		check(t, err)
		report, err := f.Verify(t.Context(), VerifyOptions{Trust: x.trust(), Facts: Facts{Now: created, Fleets: []Membership{robots.member(agent)}}})
		if err != nil || !report.ContentsChecked {
			t.Errorf("verified with contents: %v, %v", report.ContentsChecked, err)
		}
		report, err = f.Verify(t.Context(), VerifyOptions{Trust: x.trust()})
		if err != nil || report.ContentsChecked {
			t.Errorf("verified by anybody: %v", err)
		}
		r := report.Envelope.Recipients()
		if want := "fleet-" + string(kem) + " " + robots.file.ID().ShortID() + " epoch 1"; len(r) != 1 || r[0].String() != want {
			t.Errorf("recipients %v, want %s", r, want)
		}
		check(t, f.Close())
	}
}

func TestFleetRefusals(t *testing.T) {
	agent, gone := newIdentity(t, tgspcrypto.X25519), newIdentity(t, tgspcrypto.X25519)
	robots := newFleet(t, tgspcrypto.X25519, agent, gone)
	first := packForFleet(t, robots)
	early := robots.member(gone)
	robots.revoke(gone)
	robots.rotate()
	second := packForFleet(t, robots)

	check(t, openAs(t, first, created, nil, early))
	check(t, openAs(t, second, created, nil, robots.member(agent)))

	wantFleetRefusal(t, openAs(t, first, created, nil), "no fleet")
	wantFleetRefusal(t, openAs(t, first, created, []*tgspcrypto.Identity{agent}), "no fleet")
	others := newFleet(t, tgspcrypto.X25519, agent)
	wantFleetRefusal(t, openAs(t, first, created, nil, others.member(agent)), others.file.ID().String())
	wantFleetRefusal(t, openAs(t, first, created, nil, robots.member(gone)), "not in it")
	wantFleetRefusal(t, openAs(t, second, created, nil, robots.member(gone)), "not in it")
	wantFleetRefusal(t, openAs(t, second, robots.validUntil, nil, robots.member(agent)), "valid until")

	// Revoked before the package's epoch, and no fleet file says so yet.
	e := new(NoKeyError)
	if err := openAs(t, second, created, nil, early); !errors.As(err, &e) || e.Epoch == nil || e.Epoch.Want != 2 || e.Epoch.Newest != 1 || !strings.Contains(err.Error(), "epoch 2 of fleet robots") {
		t.Errorf("an agent without the epoch: %v", err)
	}
	// With another fleet's file under the same name.
	forged := others.member(agent)
	forged.Fleet = robots.file.ID()
	if err := openAs(t, first, created, nil, forged); !errors.As(err, new(*NoKeyError)) {
		t.Errorf("keys of another fleet: %v", err)
	}
}

// A fleet file is valid for a time, so that the clock is judged as for a window.
func TestFleetNeedsTheClock(t *testing.T) {
	agent := newIdentity(t, tgspcrypto.X25519)
	robots := newFleet(t, tgspcrypto.X25519, agent)
	x := packForFleet(t, robots)
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	a, err := f.Accept(x.trust())
	check(t, err)
	open := func(facts Facts) error {
		_, err := a.Open(facts, nil)
		return err
	}
	later := robots.member(agent)
	later.IssuedAt = created.Add(ClockSlack + time.Second)
	for want, facts := range map[ClockReason]Facts{
		ClockUnset:    {Now: time.Unix(1000, 0), Fleets: []Membership{robots.member(agent)}},
		ClockWentBack: {Now: created, Floor: created.Add(ClockSlack + time.Second), Fleets: []Membership{robots.member(agent)}},
		ClockBehind:   {Now: created, Fleets: []Membership{later}},
	} {
		e := new(ClockError)
		if err := open(facts); !errors.As(err, &e) || e.Reason != want {
			t.Errorf("%v: %v", want, err)
		}
	}
	check(t, open(Facts{Now: created, Floor: created.Add(ClockSlack), Fleets: []Membership{robots.member(agent)}}))
}

// A package for a fleet has no way around the fleet, whoever signed it.
func TestFleetHasNoOtherRecipients(t *testing.T) {
	agent := newIdentity(t, tgspcrypto.X25519)
	robots, others := newFleet(t, tgspcrypto.X25519, agent), newFleet(t, tgspcrypto.X25519, agent)
	x := packForFleet(t, robots)
	doc, dek, l := takeFleetApart(t, x, robots.holder())
	own, err := wrapFor(agent.Recipient(), dek, doc.Manifest)
	check(t, err)
	foreign, err := wrapForFleet(NewFleetEpoch(others.file), dek, doc.Manifest)
	check(t, err)
	unknown := encode(map[string]any{"type": "hardware"})
	for name, raw := range map[string][]byte{"an agent's own key": own.raw, "another fleet": foreign.raw, "an unknown type": unknown} {
		planted := doc
		planted.Recipients = append(planted.Recipients[:1:1], raw)
		planted.Generation++
		e, err := planted.seal(x.author, l)
		check(t, err)
		slot, err := encodeSlot(e, l.slotSize)
		check(t, err)
		data := x.bytes(t)
		copy(data[l.slotOffset(0):], slot)
		check(t, os.WriteFile(x.name, data, 0o644))
		t.Run(name, func(t *testing.T) {
			wantFleetRefusal(t, openAs(t, x, created, []*tgspcrypto.Identity{agent}, robots.member(agent)), "the recipient")
			wantFleetRefusal(t, x.verifyAs(x.trust(), nil), "the recipient")
			wantFleetRefusal(t, x.verifyAs(x.trust(), []*tgspcrypto.Identity{agent}), "the recipient")
			x.change(t, func(c *Change) {
				_, err := c.MoveFleet(NewFleetEpoch(robots.file), Facts{Now: created, Fleets: []Membership{robots.holder()}}, x.author)
				wantFleetRefusal(t, err, "the recipient")
				err = c.Renew(Renewal{Edit: func(*Manifest) {}, Fleet: NewFleetEpoch(robots.file)}, Facts{}, nil, x.author)
				wantFleetRefusal(t, err, "the recipient")
			})
		})
	}
}

func TestMoveFleet(t *testing.T) {
	agent, gone := newIdentity(t, tgspcrypto.X25519), newIdentity(t, tgspcrypto.X25519)
	robots := newFleet(t, tgspcrypto.X25519, agent, gone)
	x := packForFleet(t, robots)
	old, first := robots.member(gone), NewFleetEpoch(robots.file)
	robots.revoke(gone)
	second := robots.rotate()
	facts := Facts{Now: created, Fleets: []Membership{robots.holder()}}
	others := newFleet(t, tgspcrypto.X25519, agent)
	x.change(t, func(c *Change) {
		_, err := c.MoveFleet(NewFleetEpoch(others.file), facts, x.author)
		wantFleetRefusal(t, err, others.file.ID().String())
		_, err = c.AddRecipients([]*tgspcrypto.Recipient{agent.Recipient()}, x.identities(), x.author)
		wantFleetRefusal(t, err, agent.Recipient().ShortID())
		if _, err = c.MoveFleet(second, Facts{Now: created}, x.author); !errors.As(err, new(*NoKeyError)) {
			t.Errorf("moved by somebody without a key: %v", err)
		}
		moved, err := c.MoveFleet(second, facts, x.author)
		if err != nil || !moved {
			t.Fatalf("moved: %v, %v", moved, err)
		}
		if moved, err = c.MoveFleet(second, facts, x.author); moved || err != nil {
			t.Errorf("moved again: %v, %v", moved, err)
		}
		_, err = c.MoveFleet(first, facts, x.author)
		wantFleetRefusal(t, err, "epoch 1, and the package is for epoch 2")
	})
	check(t, openAs(t, x, created, nil, robots.member(agent)))
	if err := openAs(t, x, created, nil, old); !errors.As(err, new(*NoKeyError)) {
		t.Errorf("who was revoked still opens it: %v", err)
	}
	check(t, x.verifyAs(x.trust(), nil))

	single := pack(t, smallModel(), nil)
	single.change(t, func(c *Change) {
		_, err := c.MoveFleet(second, facts, single.author)
		wantFleetRefusal(t, err, "no fleet")
	})
}

func TestRenewForFleet(t *testing.T) {
	agent := newIdentity(t, tgspcrypto.X25519)
	robots := newFleet(t, tgspcrypto.X25519, agent)
	x := packForFleet(t, robots)
	robots.rotate()
	facts := Facts{Now: created, Fleets: []Membership{robots.member(agent)}}
	later := func(m *Manifest) { m.Policy.NotAfter = uint64(created.Unix()) + 100 }
	x.change(t, func(c *Change) {
		wantFleetRefusal(t, c.Renew(Renewal{Edit: later, Recipients: x.recipients()}, facts, nil, x.author), "without a fleet file")
		check(t, c.Renew(Renewal{Edit: later, Fleet: NewFleetEpoch(robots.file)}, facts, nil, x.author))
	})
	check(t, openAs(t, x, created, nil, robots.member(agent)))
	if e := new(PolicyError); !errors.As(openAs(t, x, created.Add(100*time.Second), nil, robots.member(agent)), &e) || e.Clause != ClauseNotAfter {
		t.Errorf("after the renewed end: %v", e)
	}
}

func TestPackForFleetAlone(t *testing.T) {
	robots := newFleet(t, tgspcrypto.X25519)
	src, err := Scan(writeModel(t, smallModel()), SourceOptions{})
	check(t, err)
	_, err = Pack(t.Context(), t.TempDir()+"/x.tgsp", src, PackOptions{
		PackageID: "a", Version: "1.0.0", CreatedAt: created, Author: tgspcrypto.GenerateAuthorKey(),
		Recipients: []*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()}, Fleet: NewFleetEpoch(robots.file),
	})
	if err == nil {
		t.Error("a fleet and a recipient of its own")
	}
}

// takeFleetApart returns envelope and key of a package for a fleet.
func takeFleetApart(t *testing.T, x *fixture, holder Membership) (envelopeDoc, []byte, layout) {
	t.Helper()
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	e := f.Claims()
	dek, err := unwrap(e.recipients, e.doc.Manifest, Facts{Fleets: []Membership{holder}}, nil)
	check(t, err)
	return e.doc, dek, f.layout
}

func mustManifest(t *testing.T, x *fixture) *Manifest {
	t.Helper()
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	return f.Claims().Manifest()
}
