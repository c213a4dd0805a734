// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// KEM names the key encapsulation that a recipient's key is for.
type KEM string

const (
	// X25519 is DHKEM(X25519, HKDF-SHA256) of RFC 9180, section 7.1.
	X25519 KEM = "X25519"
	// MLKEM768X25519 is the hybrid of draft-ietf-hpke-pq, also known as X-Wing:
	// secure while either half is.
	MLKEM768X25519 KEM = "MLKEM768-X25519"
)

// HintSize is the length in bytes of a recipient's hint.
const HintSize = 4

// ErrUnwrap means that a wrapped key was not made for this identity, or not for
// this document.
var ErrUnwrap = errors.New("this identity does not open the wrapped key")

func (k KEM) hpke() (hpke.KEM, error) {
	switch k {
	case X25519:
		return hpke.DHKEM(ecdh.X25519()), nil
	case MLKEM768X25519:
		return hpke.MLKEM768X25519(), nil
	}
	return nil, errors.New("unknown key encapsulation " + string(k))
}

// EncapsulationSize returns the length in bytes of the encapsulated key, or 0
// for an unknown KEM.
func (k KEM) EncapsulationSize() int {
	switch k {
	case X25519:
		return 32
	case MLKEM768X25519:
		return 1088 + 32
	}
	return 0
}

// Line prefixes of the two key pairs; see textline.go for the form.
func (k KEM) line() string {
	if k == MLKEM768X25519 {
		return "tgsp-mlkem768-x25519"
	}
	return "tgsp-x25519"
}

func (k KEM) secretLine() string {
	if k == MLKEM768X25519 {
		return "tgsp-secret-mlkem768-x25519"
	}
	return "tgsp-secret-x25519"
}

func kemByLine(kind string) (k KEM, secret bool) {
	for _, k := range []KEM{X25519, MLKEM768X25519} {
		switch kind {
		case k.line():
			return k, false
		case k.secretLine():
			return k, true
		}
	}
	return "", false
}

// Recipient is the public half of an identity: somebody a package can be
// encrypted to.
type Recipient struct {
	kem KEM
	pub hpke.PublicKey
}

// NewRecipient imports a public key in HPKE's serialisation. It refuses wrong
// lengths and low-order X25519 points, also in the hybrid key.
func NewRecipient(kem KEM, raw []byte) (*Recipient, error) {
	r, err := TrustedRecipient(kem, raw)
	if err != nil {
		return nil, err
	}
	if err := checkX25519(raw[len(raw)-32:]); err != nil {
		return nil, err
	}
	return r, nil
}

// TrustedRecipient imports a public key that NewRecipient has taken before. It
// leaves out the check for low-order points, which takes half as long as a wrap.
func TrustedRecipient(kem KEM, raw []byte) (*Recipient, error) {
	h, err := kem.hpke()
	if err != nil {
		return nil, err
	}
	pub, err := h.NewPublicKey(raw)
	if err != nil {
		return nil, errors.New("not a valid public key: wrong length or encoding")
	}
	return &Recipient{kem, pub}, nil
}

// KEM returns the key encapsulation that this key is for.
func (r *Recipient) KEM() KEM { return r.kem }

// Fingerprint returns the SHA-256 of the serialised public key.
func (r *Recipient) Fingerprint() [sha256.Size]byte { return sha256.Sum256(r.pub.Bytes()) }

// Hint returns the first bytes of the fingerprint: they let a reader find its
// own wrapped key among many. A hint identifies nobody for certain.
func (r *Recipient) Hint() [HintSize]byte {
	sum := r.Fingerprint()
	return [HintSize]byte(sum[:])
}

// ShortID returns the hint as 8 hexadecimal digits, as listings show it.
func (r *Recipient) ShortID() string {
	hint := r.Hint()
	return hex.EncodeToString(hint[:])
}

// String returns the public text line.
func (r *Recipient) String() string { return formatLine(r.kem.line(), r.pub.Bytes()) }

// ParseRecipient reads a recipient's public text line.
func ParseRecipient(line string) (*Recipient, error) {
	const want = "a recipient's public key (tgsp-x25519:… or tgsp-mlkem768-x25519:…)"
	kind, raw, err := parseLine(line, want)
	if err != nil {
		return nil, err
	}
	kem, secret := kemByLine(kind)
	if kem == "" || secret {
		return nil, &LineError{Kind: kind, Want: want}
	}
	r, err := NewRecipient(kem, raw)
	if err != nil {
		return nil, &LineError{kind, want, err}
	}
	return r, nil
}

// Wrap encrypts a key to the recipient with HPKE (RFC 9180) in base mode, with
// HKDF-SHA256 and ChaCha20-Poly1305. The info binds the result to the document
// that carries it; the aad to the public fields beside it.
func (r *Recipient) Wrap(key, info, aad []byte) (enc, ciphertext []byte, err error) {
	enc, sender, err := hpke.NewSender(r.pub, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info)
	if err != nil {
		return nil, nil, err
	}
	ciphertext, err = sender.Seal(aad, key)
	return enc, ciphertext, err
}

// Bytes returns the public key in HPKE's serialisation: 32 bytes for X25519,
// 1,216 for the hybrid.
func (r *Recipient) Bytes() []byte { return bytes.Clone(r.pub.Bytes()) }
