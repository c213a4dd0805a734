// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// kitBundle reads a document as somebody who is handed it, and asks what it says
// of the identity.
func kitBundle(t *testing.T, c *kit.Case) {
	ids := kitIdentities(t, c)
	agent := ""
	b, err := fleet.ParseBundle(c.Bundle)
	if err == nil && len(ids) > 0 {
		var k *fleet.Keyring
		k, err = b.Keyring(ids)
		switch {
		case errors.As(err, new(*fleet.MemberError)):
			agent, err = kit.AgentNothing, nil
		case err == nil && k.Revoked():
			agent = kit.AgentAbsent
		case err == nil:
			agent = kit.AgentMember
		}
	}
	if err != nil && !errors.As(err, new(*fleet.FormatError)) && !errors.As(err, new(*fleet.SignatureError)) {
		t.Errorf("an error of no known kind: %T %v", err, err)
	}
	if (err == nil) != c.Accept || agent != c.Agent {
		t.Errorf("%v and %q, want accept %v and %q", err, agent, c.Accept, c.Agent)
	}
}

func kitIdentities(t *testing.T, c *kit.Case) (all []*tgspcrypto.Identity) {
	t.Helper()
	for _, line := range c.Identities {
		id, err := tgspcrypto.ParseIdentity(line)
		check(t, err)
		all = append(all, id)
	}
	return all
}

// kitFleetsOf are what a case's reader has of fleets, of those that say anything
// of it.
func kitFleetsOf(t *testing.T, c *kit.Case, ids []*tgspcrypto.Identity) (all []Membership) {
	t.Helper()
	for _, data := range c.Fleets {
		b, err := fleet.ParseBundle(data)
		check(t, err)
		k, err := b.Keyring(ids)
		if errors.As(err, new(*fleet.MemberError)) {
			continue
		}
		check(t, err)
		all = append(all, NewMembership(k))
	}
	return all
}
