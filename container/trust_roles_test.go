// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestRoles asks for each role with a key that has each: an author may do all that
// the lesser role may, and not the other way round.
func TestRoles(t *testing.T) {
	key, other := tgspcrypto.GenerateAuthorKey().Public(), tgspcrypto.GenerateAuthorKey().Public()
	for _, c := range []struct {
		has, asked Role
		want       bool
	}{{RoleAuthor, RoleAuthor, true}, {RoleAuthor, RoleEnvelope, true}, {RoleEnvelope, RoleEnvelope, true}, {RoleEnvelope, RoleAuthor, false}} {
		trust := &Trust{Keys: []TrustedKey{{Key: other, Role: RoleAuthor, Packages: []string{"b"}}, {Key: key, Role: c.has, Packages: []string{"a"}}}}
		if got := trust.Trusts(key, c.asked, "a"); got != c.want {
			t.Errorf("a key that is %s may act as %s: %v", c.has, c.asked, got)
		}
		if trust.Trusts(key, c.asked, "b") || trust.Trusts(other, c.asked, "a") {
			t.Errorf("a key that is %s may act as %s for another package", c.has, c.asked)
		}
	}
}

// TestRefusalNamesTheRole makes sure that whoever is refused learns which role
// nobody fills, and who signed in it.
func TestRefusalNamesTheRole(t *testing.T) {
	x := pack(t, smallModel(), nil)
	manager := tgspcrypto.GenerateAuthorKey()
	keys := func(author, envelope Role) *Trust {
		return &Trust{Keys: []TrustedKey{{Key: x.author.Public(), Role: author}, {Key: manager.Public(), Role: envelope}}}
	}
	c, err := BeginChange(x.name, keys(RoleAuthor, RoleEnvelope))
	check(t, err)
	_, err = c.AddRecipients([]*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()}, x.identities(), manager)
	check(t, err)
	check(t, c.End())
	check(t, x.verifyAs(keys(RoleAuthor, RoleEnvelope), nil))
	for role, trust := range map[Role]*Trust{RoleAuthor: keys(RoleEnvelope, RoleAuthor), RoleEnvelope: x.trust()} {
		signer := map[Role]*tgspcrypto.AuthorKey{RoleAuthor: x.author, RoleEnvelope: manager}[role]
		e := new(UntrustedError)
		if err := x.verifyAs(trust, nil); !errors.As(err, &e) || e.Role != role || e.Signer != signer.Public().String() || e.PackageID != "acme/model" {
			t.Errorf("%+v, want one about the %s %s", e, role, signer.Public())
		}
	}
}
