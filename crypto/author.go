// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// SignatureEd25519 names the one signature algorithm of format version 1.
const SignatureEd25519 = "Ed25519"

// AuthorKeySize is the length in bytes of an author's public key.
const AuthorKeySize = ed25519.PublicKeySize

// ErrLowOrder means that a public key is a point of small order, for which
// anybody can make signatures or know the shared secret.
var ErrLowOrder = errors.New("key is a low-order point, which protects nothing")

// AuthorPublicKey verifies an author's signatures. Its zero value verifies nothing.
type AuthorPublicKey struct{ raw [AuthorKeySize]byte }

// NewAuthorPublicKey imports an Ed25519 public key (RFC 8032). It refuses a
// wrong length; low-order points, for which Go's verification accepts
// signatures that nobody made; and unreduced coordinates, which would be a
// second name for the same key.
func NewAuthorPublicKey(raw []byte) (AuthorPublicKey, error) {
	var k AuthorPublicKey
	if len(raw) != len(k.raw) {
		return k, fmt.Errorf("author key of %d bytes, want %d", len(raw), len(k.raw))
	}
	if lowOrderEd25519(raw) {
		return k, ErrLowOrder
	}
	if unreduced(raw) {
		return k, errNonCanonical
	}
	copy(k.raw[:], raw)
	return k, nil
}

// Bytes returns the 32 bytes of RFC 8032, section 5.1.5.
func (k AuthorPublicKey) Bytes() []byte { return bytes.Clone(k.raw[:]) }

// ID returns the author_id: the SHA-256 of the public key.
func (k AuthorPublicKey) ID() AuthorID { return sha256.Sum256(k.raw[:]) }

// String returns the public text line.
func (k AuthorPublicKey) String() string { return formatLine(lineAuthor, k.raw[:]) }

// Verify reports whether sig is this author's over body as a document of the
// given payload type.
func (k AuthorPublicKey) Verify(payloadType string, body, sig []byte) bool {
	if k == (AuthorPublicKey{}) || len(sig) != ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(k.raw[:], preAuthEncoding(payloadType, body), sig)
}

// AuthorID identifies an author by the SHA-256 of the public key.
type AuthorID [sha256.Size]byte

// String returns 64 hexadecimal digits.
func (id AuthorID) String() string { return hex.EncodeToString(id[:]) }

// AuthorKey signs packages.
type AuthorKey struct {
	secret ed25519.PrivateKey
	public AuthorPublicKey
}

// GenerateAuthorKey makes a new author key.
func GenerateAuthorKey() *AuthorKey {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed)
	defer clear(seed)
	k, err := NewAuthorKey(seed)
	if err != nil {
		panic(err) // a seed of the right length always makes a key
	}
	return k
}

// NewAuthorKey imports the 32-byte seed of RFC 8032, section 5.1.5.
func NewAuthorKey(seed []byte) (*AuthorKey, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("author secret key of %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	k := &AuthorKey{secret: ed25519.NewKeyFromSeed(seed)}
	copy(k.public.raw[:], k.secret[ed25519.SeedSize:])
	return k, nil
}

// Public returns the key that verifies this key's signatures.
func (k *AuthorKey) Public() AuthorPublicKey { return k.public }

// Sign signs body as a document of the given payload type; 64 bytes.
func (k *AuthorKey) Sign(payloadType string, body []byte) []byte {
	return ed25519.Sign(k.secret, preAuthEncoding(payloadType, body))
}

// SecretLine returns the secret text line. It is for key files only.
func (k *AuthorKey) SecretLine() string { return formatLine(lineAuthorSecret, k.secret.Seed()) }
