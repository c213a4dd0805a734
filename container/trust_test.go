// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func TestTrust(t *testing.T) {
	x := pack(t, smallModel(), nil)
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	author, stranger := x.author.Public(), tgspcrypto.GenerateAuthorKey().Public()
	trusted := func(role Role, packages ...string) []TrustedKey {
		return []TrustedKey{{Key: author, Role: role, Packages: packages}}
	}
	for _, c := range []struct {
		name  string
		trust Trust
		want  any // nil, or a pointer to the error's type
	}{
		{"author for all", Trust{Keys: trusted(RoleAuthor)}, nil},
		{"author for this", Trust{Keys: trusted(RoleAuthor, "other", "acme/*")}, nil},
		{"author for others", Trust{Keys: trusted(RoleAuthor, "acme")}, new(*UntrustedError)},
		{"nobody", Trust{}, new(*UntrustedError)},
		{"only as envelope", Trust{Keys: trusted(RoleEnvelope)}, new(*UntrustedError)},
		{"a stranger", Trust{Keys: []TrustedKey{{Key: stranger, Role: RoleAuthor}}}, new(*UntrustedError)},
		{"required and there", Trust{Keys: trusted(RoleAuthor), Require: []tgspcrypto.AuthorPublicKey{author}}, nil},
		{"required and missing", Trust{Keys: trusted(RoleAuthor), Require: []tgspcrypto.AuthorPublicKey{stranger}}, new(*SignatureError)},
		{"expected", Trust{Keys: trusted(RoleAuthor), Expect: &Expectation{"acme/model", "1.2.3"}}, nil},
		{"expected in any version", Trust{Keys: trusted(RoleAuthor), Expect: &Expectation{PackageID: "acme/model"}}, nil},
		{"another package expected", Trust{Keys: trusted(RoleAuthor), Expect: &Expectation{PackageID: "acme/other"}}, new(*UntrustedError)},
		{"another version expected", Trust{Keys: trusted(RoleAuthor), Expect: &Expectation{"acme/model", "1.2.4"}}, new(*UntrustedError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Accept(&c.trust)
			if (c.want == nil) != (err == nil) || c.want != nil && !errors.As(err, c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestMatchPackageID(t *testing.T) {
	for _, c := range []struct {
		pattern, id string
		want        bool
	}{
		{"**", "a/b/c", true},
		{"*", "a", true},
		{"*", "a/b", false},
		{"a/*", "a/b", true},
		{"a/*", "a/b/c", false},
		{"a/**", "a/b/c", true},
		{"a/**", "a", false},
		{"a/**", "ab/c", false},
		{"*/x/**", "a/x/b/c", true},
		{"*/x/**", "a/y/b/c", false},
		{"a?c", "abc", true},
		{"[", "a", false},
	} {
		if got := MatchPackageID(c.pattern, c.id); got != c.want {
			t.Errorf("%s covers %s: %v", c.pattern, c.id, got)
		}
	}
}

func TestUntrustedPackageIsStillVerified(t *testing.T) {
	x := pack(t, smallModel(), nil)
	if err := x.verifyAs(&Trust{}, x.identities()); !errors.As(err, new(*UntrustedError)) {
		t.Errorf("intact, untrusted: %v", err)
	}
	data := x.bytes(t)
	data[len(data)-1] ^= 1
	f, err := NewFile(&shrinkingReader{data, int64(len(data))}, int64(len(data)))
	check(t, err)
	if _, err := f.Verify(t.Context(), VerifyOptions{Trust: &Trust{}}); !errors.As(err, new(*AlteredError)) {
		t.Errorf("altered, untrusted: %v", err)
	}
}
