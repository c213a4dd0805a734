// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRFC9180 opens the first message of RFC 9180, appendix A.2.1: base mode,
// DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
func TestRFC9180(t *testing.T) {
	id, err := NewIdentity(X25519, unhex(t, "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"))
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(id.Recipient().pub.Bytes()); got != "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a" {
		t.Errorf("public key %s", got)
	}
	plain, err := id.Unwrap(
		unhex(t, "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"),
		unhex(t, "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
		[]byte("Ode on a Grecian Urn"), []byte("Count-0"))
	if err != nil || string(plain) != "Beauty is truth, truth beauty" {
		t.Errorf("%q, %v", plain, err)
	}
}

func kems() []KEM { return []KEM{X25519, MLKEM768X25519} }

func identity(t testing.TB, kem KEM) *Identity {
	t.Helper()
	id, err := GenerateIdentity(kem)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWrap(t *testing.T) {
	key, info, aad := testKey(), []byte("info"), []byte("aad")
	for _, kem := range kems() {
		id := identity(t, kem)
		enc, wrapped, err := id.Recipient().Wrap(key, info, aad)
		if err != nil {
			t.Fatal(err)
		}
		if len(enc) != kem.EncapsulationSize() || len(wrapped) != KeySize+16 {
			t.Errorf("%s: %d and %d bytes", kem, len(enc), len(wrapped))
		}
		got, err := id.Unwrap(enc, wrapped, info, aad)
		if err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %x, %v", kem, got, err)
		}
		flip := func(b []byte) []byte {
			c := bytes.Clone(b)
			c[len(c)/2] ^= 1
			return c
		}
		for name, f := range map[string]func() ([]byte, error){
			"another identity":      func() ([]byte, error) { return identity(t, kem).Unwrap(enc, wrapped, info, aad) },
			"another info":          func() ([]byte, error) { return id.Unwrap(enc, wrapped, flip(info), aad) },
			"another aad":           func() ([]byte, error) { return id.Unwrap(enc, wrapped, info, flip(aad)) },
			"another encapsulation": func() ([]byte, error) { return id.Unwrap(flip(enc), wrapped, info, aad) },
			"another wrapped key":   func() ([]byte, error) { return id.Unwrap(enc, flip(wrapped), info, aad) },
			"a short encapsulation": func() ([]byte, error) { return id.Unwrap(enc[1:], wrapped, info, aad) },
			"no encapsulation":      func() ([]byte, error) { return id.Unwrap(nil, wrapped, info, aad) },
			"a low-order point":     func() ([]byte, error) { return id.Unwrap(make([]byte, len(enc)), wrapped, info, aad) },
		} {
			if _, err := f(); !errors.Is(err, ErrUnwrap) {
				t.Errorf("%s: %s: %v, want ErrUnwrap", kem, name, err)
			}
		}
	}
}

func TestRecipientLine(t *testing.T) {
	for _, kem := range kems() {
		id := identity(t, kem)
		r, err := ParseRecipient(id.Recipient().String())
		if err != nil || r.KEM() != kem || r.Fingerprint() != id.Recipient().Fingerprint() {
			t.Errorf("%s: %v", kem, err)
		}
		hint := r.Hint()
		if r.ShortID() != hex.EncodeToString(hint[:]) {
			t.Errorf("short id %s of %x", r.ShortID(), hint)
		}
		secret, err := id.SecretLine()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := id.SecretLine(); err != nil || again != secret {
			t.Errorf("%s: the secret line is another one the second time: %v", kem, err)
		}
		back, err := ParseIdentity(secret)
		if err != nil || back.Recipient().Fingerprint() != r.Fingerprint() || back.KEM() != kem {
			t.Errorf("%s: the secret line comes back as another key: %v", kem, err)
		}
		if strings.Contains(secret, r.String()) {
			t.Error("secret and public line are alike")
		}
	}
}

func TestBadRecipients(t *testing.T) {
	id := identity(t, X25519)
	public := id.Recipient().pub.Bytes()
	top := bytes.Clone(public)
	top[31] |= 0x80
	hybrid := identity(t, MLKEM768X25519).Recipient().pub.Bytes()
	lowHybrid := bytes.Clone(hybrid)
	clear(lowHybrid[len(lowHybrid)-32:])
	for name, c := range map[string]struct {
		kem KEM
		raw []byte
	}{
		"short": {X25519, public[1:]}, "long": {X25519, append(bytes.Clone(public), 0)}, "none": {X25519, nil},
		"top bit": {X25519, top}, "zero": {X25519, make([]byte, 32)}, "one": {X25519, append([]byte{1}, make([]byte, 31)...)},
		"short hybrid": {MLKEM768X25519, hybrid[1:]}, "low-order hybrid": {MLKEM768X25519, lowHybrid},
		"hybrid of ones": {MLKEM768X25519, bytes.Repeat([]byte{0xff}, len(hybrid))}, "unknown": {"RSA", public},
	} {
		if _, err := NewRecipient(c.kem, c.raw); err == nil {
			t.Errorf("%s: was taken", name)
		}
	}
	if _, err := NewIdentity(X25519, make([]byte, 31)); err == nil {
		t.Error("a short identity was taken")
	}
	if _, err := NewIdentity("RSA", make([]byte, 32)); err == nil {
		t.Error("an unknown kind of identity was taken")
	}
	if _, err := GenerateIdentity("RSA"); err == nil {
		t.Error("an unknown kind of identity was made")
	}
	if KEM("RSA").EncapsulationSize() != 0 {
		t.Error("an unknown kind has an encapsulation")
	}
}
