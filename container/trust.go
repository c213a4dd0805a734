// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"path"
	"strings"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Role is what a trusted key may do.
type Role string

const (
	// RoleAuthor may sign contents and envelopes.
	RoleAuthor Role = "author"
	// RoleEnvelope may change recipients, never contents or policy.
	RoleEnvelope Role = "envelope"
)

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if r := Role(s); r == RoleAuthor || r == RoleEnvelope {
		return r, nil
	}
	return "", fmt.Errorf("unknown role %q: want author or envelope", s)
}

// TrustedKey says that a key is trusted, in which role and for which packages.
type TrustedKey struct {
	Key      tgspcrypto.AuthorPublicKey
	Role     Role
	Packages []string // patterns of package ids, see MatchPackageID; none means all
}

// CheckPattern says whether s can be a pattern of package ids.
func CheckPattern(s string) error {
	if s == "" {
		return errors.New("an empty pattern matches no package id")
	}
	if _, err := path.Match(s, ""); err != nil {
		return fmt.Errorf("%q is not a pattern of package ids: %w", s, err)
	}
	if s != "**" && strings.Contains(strings.TrimSuffix(s, "/**"), "**") {
		return fmt.Errorf("%q is not a pattern of package ids: ** stands alone, or after the last slash", s)
	}
	return nil
}

// MatchPackageID reports whether a pattern covers a package id: * and ? match
// within one element between slashes (path.Match), a final /** matches
// everything below, and ** alone matches all.
func MatchPackageID(pattern, id string) bool {
	if pattern == "**" {
		return true
	}
	if prefix, deep := strings.CutSuffix(pattern, "/**"); deep {
		elements := strings.Count(prefix, "/") + 1
		parts := strings.SplitN(id, "/", elements+1)
		if len(parts) <= elements {
			return false
		}
		pattern, id = prefix, strings.Join(parts[:elements], "/")
	}
	ok, err := path.Match(pattern, id)
	return err == nil && ok
}

func (k *TrustedKey) covers(packageID string) bool {
	if len(k.Packages) == 0 {
		return true
	}
	for _, pattern := range k.Packages {
		if MatchPackageID(pattern, packageID) {
			return true
		}
	}
	return false
}

// Expectation names the package that a caller wants, so that another genuine
// one cannot take its place.
type Expectation struct {
	PackageID string
	Version   string // empty for any
}

// ParseExpectation reads ID or ID@VERSION.
func ParseExpectation(s string) (*Expectation, error) {
	id, version, pinned := strings.Cut(s, "@")
	if err := CheckPackageID(id); err != nil {
		return nil, err
	}
	if pinned {
		if err := CheckVersion(version); err != nil {
			return nil, err
		}
	}
	return &Expectation{id, version}, nil
}

func (e *Expectation) check(m *Manifest) error {
	switch {
	case e == nil:
		return nil
	case m.PackageID != e.PackageID:
		return &UntrustedError{PackageID: m.PackageID, Reason: fmt.Sprintf("this is package %s, and %s was expected", m.PackageID, e.PackageID)}
	case e.Version != "" && m.Version != e.Version:
		return &UntrustedError{PackageID: m.PackageID, Reason: fmt.Sprintf("this is version %s of %s, and %s was expected", m.Version, m.PackageID, e.Version)}
	}
	return nil
}

// Trust is what a reader demands of a package before it believes anything in it.
type Trust struct {
	Keys    []TrustedKey
	Require []tgspcrypto.AuthorPublicKey // signatures that must be there besides
	Expect  *Expectation                 // nil for any package
}

// Trusts reports whether a key may act in a role for a package. An author may
// do all that the lesser role may.
func (t *Trust) Trusts(key tgspcrypto.AuthorPublicKey, role Role, packageID string) bool {
	for i := range t.Keys {
		k := &t.Keys[i]
		if k.Key == key && (k.Role == role || k.Role == RoleAuthor) && k.covers(packageID) {
			return true
		}
	}
	return false
}

// check decides whether an envelope whose signatures were found right is
// acceptable. It returns a *SignatureError or *UntrustedError.
func (t *Trust) check(e *Envelope) error {
	id := e.manifest.PackageID
	for _, want := range t.Require {
		if !e.signedBy(want) {
			return &SignatureError{Signer: want.String(), Reason: "it is required and the package does not carry it"}
		}
	}
	trusted := false
	for _, s := range e.signers {
		trusted = trusted || t.Trusts(s, RoleAuthor, id)
	}
	author := e.Author()
	if !trusted {
		return &UntrustedError{RoleAuthor, id, author.String(), fmt.Sprintf("package %s is signed by %s, which is not trusted as an author for it", id, author)}
	}
	if !t.Trusts(e.signer, RoleEnvelope, id) {
		return &UntrustedError{RoleEnvelope, id, e.signer.String(), fmt.Sprintf("the recipients of package %s were signed by %s, which is not trusted for it", id, e.signer)}
	}
	return t.Expect.check(e.manifest)
}
