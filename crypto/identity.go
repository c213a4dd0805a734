// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/hpke"
	"crypto/subtle"
	"errors"
)

// Identity is a secret key that opens what was wrapped for its recipient.
type Identity struct {
	kem  KEM
	priv hpke.PrivateKey
}

// GenerateIdentity makes a new key pair.
func GenerateIdentity(kem KEM) (*Identity, error) {
	h, err := kem.hpke()
	if err != nil {
		return nil, err
	}
	priv, err := h.GenerateKey()
	if err != nil {
		return nil, err
	}
	return &Identity{kem, priv}, nil
}

// NewIdentity imports a secret key in HPKE's serialisation: 32 bytes for both KEMs.
func NewIdentity(kem KEM, raw []byte) (*Identity, error) {
	h, err := kem.hpke()
	if err != nil {
		return nil, err
	}
	priv, err := h.NewPrivateKey(raw)
	if err != nil {
		// The library's error may describe the key; it stays out.
		return nil, errors.New("not a valid secret key: wrong length or encoding")
	}
	return &Identity{kem, priv}, nil
}

// KEM returns the key encapsulation that this key is for.
func (i *Identity) KEM() KEM { return i.kem }

// Recipient returns the public half.
func (i *Identity) Recipient() *Recipient { return &Recipient{i.kem, i.priv.PublicKey()} }

// SecretLine returns the secret text line. It is for key files only.
func (i *Identity) SecretLine() (string, error) {
	raw, err := i.bytes()
	if err != nil {
		return "", err
	}
	defer clear(raw)
	return formatLine(i.kem.secretLine(), raw), nil
}

// bytes returns the serialised secret key, in memory that the caller may clear:
// of a hybrid key the library hands out its own.
func (i *Identity) bytes() ([]byte, error) {
	raw, err := i.priv.Bytes()
	return bytes.Clone(raw), err
}

// Unwrap decrypts a key that Recipient.Wrap made with the same info and aad.
// Every failure is ErrUnwrap: which check failed helps only an attacker.
func (i *Identity) Unwrap(enc, ciphertext, info, aad []byte) ([]byte, error) {
	r, err := hpke.NewRecipient(enc, i.priv, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, ErrUnwrap
	}
	key, err := r.Open(aad, ciphertext)
	if err != nil {
		return nil, ErrUnwrap
	}
	return key, nil
}

// ParseIdentity reads an identity's secret text line.
func ParseIdentity(line string) (*Identity, error) {
	const want = "an identity's secret key (tgsp-secret-x25519:… or tgsp-secret-mlkem768-x25519:…)"
	kind, raw, err := parseLine(line, want)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	kem, secret := kemByLine(kind)
	if kem == "" || !secret {
		return nil, &LineError{Kind: kind, Want: want}
	}
	id, err := NewIdentity(kem, raw)
	if err != nil {
		return nil, &LineError{kind, want, err}
	}
	// X25519 does not look at five of a secret key's bits, so that one key would
	// have many lines.
	back, err := id.bytes()
	defer clear(back)
	if err != nil || subtle.ConstantTimeCompare(back, raw) != 1 {
		return nil, &LineError{kind, want, errNonCanonical}
	}
	return id, nil
}
