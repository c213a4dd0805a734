// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"crypto/sha256"
	"encoding/hex"
)

const (
	lineAuthority       = "tgsp-fleet"
	lineAuthoritySecret = "tgsp-secret-fleet"
)

// FleetID names a fleet by the SHA-256 of its authority's public key.
type FleetID [sha256.Size]byte

// String returns 64 hexadecimal digits.
func (id FleetID) String() string { return hex.EncodeToString(id[:]) }

// ShortID returns the first 8 digits, as listings show a fleet.
func (id FleetID) ShortID() string { return hex.EncodeToString(id[:HintSize]) }

// AuthorityPublicKey verifies what a fleet's authority has signed. It is an
// Ed25519 key as an author's is, and never trusted as one: its lines are of
// another kind and its documents of other types. Its zero value verifies nothing.
type AuthorityPublicKey struct{ key AuthorPublicKey }

// NewAuthorityPublicKey imports an Ed25519 public key as NewAuthorPublicKey does.
func NewAuthorityPublicKey(raw []byte) (AuthorityPublicKey, error) {
	k, err := NewAuthorPublicKey(raw)
	return AuthorityPublicKey{k}, err
}

// Bytes returns the 32 bytes of RFC 8032, section 5.1.5.
func (k AuthorityPublicKey) Bytes() []byte { return k.key.Bytes() }

// FleetID returns the name of the fleet that this key rules.
func (k AuthorityPublicKey) FleetID() FleetID { return FleetID(k.key.ID()) }

// String returns the public text line.
func (k AuthorityPublicKey) String() string { return formatLine(lineAuthority, k.key.raw[:]) }

// Verify reports whether sig is this authority's over body as a document of the
// given payload type.
func (k AuthorityPublicKey) Verify(payloadType string, body, sig []byte) bool {
	return k.key.Verify(payloadType, body, sig)
}

// AuthorityKey signs the documents of a fleet. Who loses it starts a new fleet:
// the fleet's name follows from it.
type AuthorityKey struct{ key *AuthorKey }

// GenerateAuthorityKey makes the key of a new fleet.
func GenerateAuthorityKey() *AuthorityKey { return &AuthorityKey{GenerateAuthorKey()} }

// NewAuthorityKey imports the 32-byte seed of RFC 8032, section 5.1.5.
func NewAuthorityKey(seed []byte) (*AuthorityKey, error) {
	k, err := NewAuthorKey(seed)
	if err != nil {
		return nil, err
	}
	return &AuthorityKey{k}, nil
}

// Public returns the key that verifies this key's signatures.
func (k *AuthorityKey) Public() AuthorityPublicKey { return AuthorityPublicKey{k.key.Public()} }

// Sign signs body as a document of the given payload type; 64 bytes.
func (k *AuthorityKey) Sign(payloadType string, body []byte) []byte {
	return k.key.Sign(payloadType, body)
}

// SecretLine returns the secret text line. It is for key files only.
func (k *AuthorityKey) SecretLine() string {
	return formatLine(lineAuthoritySecret, k.key.secret.Seed())
}

// ParseAuthorityKey reads a fleet authority's secret text line.
func ParseAuthorityKey(line string) (*AuthorityKey, error) {
	k, err := parseSigningKey(line, lineAuthoritySecret, "a fleet authority's secret key (tgsp-secret-fleet:…)")
	if err != nil {
		return nil, err
	}
	return &AuthorityKey{k}, nil
}

// ParseAuthorityPublicKey reads a fleet authority's public text line.
func ParseAuthorityPublicKey(line string) (AuthorityPublicKey, error) {
	k, err := parseVerifyingKey(line, lineAuthority, "a fleet authority's public key (tgsp-fleet:…)")
	return AuthorityPublicKey{k}, err
}

// ReadAuthorityKeyFile reads the one authority key in a secret key file.
func ReadAuthorityKeyFile(name string) (*AuthorityKey, error) {
	return readOne(name, "fleet authority keys", ParseAuthorityKey)
}
