// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"
	"time"
)

func TestPolicyCheck(t *testing.T) {
	fleet := FleetID{1, 2, 3}
	at := func(s uint64) Facts { return Facts{Now: time.Unix(int64(s), 0)} }
	for _, c := range []struct {
		name   string
		policy Policy
		facts  Facts
		clause string // "" for open
	}{
		{"no clauses", Policy{}, at(5), ""},
		{"before", Policy{NotBefore: 10}, at(9), ClauseNotBefore},
		{"from", Policy{NotBefore: 10}, at(10), ""},
		{"last second", Policy{NotAfter: 10}, at(9), ""},
		{"after", Policy{NotAfter: 10}, at(10), ClauseNotAfter},
		{"in grace", Policy{NotAfter: 10, GraceSeconds: 5}, at(14), ""},
		{"after grace", Policy{NotAfter: 10, GraceSeconds: 5}, at(15), ClauseNotAfter},
		{"no fleet", Policy{TargetFleet: fleet[:]}, at(5), ClauseTargetFleet},
		{"other fleet", Policy{TargetFleet: fleet[:]}, Facts{Fleets: []Membership{{Fleet: FleetID{9}}}}, ClauseTargetFleet},
		{"the fleet", Policy{TargetFleet: fleet[:]}, Facts{Fleets: []Membership{{Fleet: FleetID{9}}, {Fleet: fleet, ValidUntil: time.Unix(1, 0)}}}, ""},
		{"fleet before time", Policy{TargetFleet: fleet[:], NotAfter: 1}, at(5), ClauseTargetFleet},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.policy.Check(c.facts)
			policy := new(PolicyError)
			switch {
			case c.clause == "" && err != nil:
				t.Error(err)
			case c.clause != "" && (!errors.As(err, &policy) || policy.Clause != c.clause || policy.Want == "" || policy.Got == ""):
				t.Errorf("got %v, want a refusal by %s", err, c.clause)
			}
		})
	}
}

func TestPolicyValidate(t *testing.T) {
	for name, p := range map[string]Policy{
		"window of nothing":   {NotBefore: 10, NotAfter: 10},
		"window upside down":  {NotBefore: 11, NotAfter: 10},
		"grace of nothing":    {GraceSeconds: 1},
		"year 10000":          {NotAfter: maxTime + 1},
		"fleet of 31 bytes":   {TargetFleet: make([]byte, 31)},
		"grace without limit": {NotAfter: 1, GraceSeconds: 1 << 63},
	} {
		if p.validate() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// Opening ranks refusals: fleet, key, time.
func TestPolicyAtOpen(t *testing.T) {
	x := pack(t, smallModel(), func(o *PackOptions) { o.Policy.NotAfter = uint64(created.Unix()) })
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	a, err := f.Accept(x.trust())
	check(t, err)
	if _, err := a.Open(Facts{Now: created}, x.identities()); !errors.As(err, new(*PolicyError)) {
		t.Errorf("expired: %v", err)
	}
	if _, err := a.Open(Facts{Now: created}, nil); !errors.As(err, new(*NoKeyError)) {
		t.Errorf("expired and without a key: %v", err)
	}
	if _, err := a.Open(Facts{Now: created.Add(-time.Second)}, x.identities()); err != nil {
		t.Errorf("in time: %v", err)
	}
}
