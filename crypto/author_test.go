// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

func TestPreAuthEncoding(t *testing.T) {
	// The example of the DSSE specification, protocol.md.
	got := preAuthEncoding("http://example.com/HelloWorld", []byte("hello world"))
	if string(got) != "DSSEv1 29 http://example.com/HelloWorld 11 hello world" {
		t.Errorf("%q", got)
	}
}

func TestSignature(t *testing.T) {
	key := GenerateAuthorKey()
	sig := key.Sign("type", []byte("body"))
	if !key.Public().Verify("type", []byte("body"), sig) {
		t.Fatal("a right signature is refused")
	}
	cut := bytes.Clone(sig)
	cut[0] ^= 1
	for name, ok := range map[string]bool{
		"another type":   key.Public().Verify("typf", []byte("body"), sig),
		"another body":   key.Public().Verify("type", []byte("bodz"), sig),
		"moved boundary": key.Public().Verify("typeb", []byte("ody"), sig),
		"another key":    GenerateAuthorKey().Public().Verify("type", []byte("body"), sig),
		"changed":        key.Public().Verify("type", []byte("body"), cut),
		"short":          key.Public().Verify("type", []byte("body"), sig[1:]),
		"none":           key.Public().Verify("type", []byte("body"), nil),
		"zero key":       AuthorPublicKey{}.Verify("type", []byte("body"), sig),
	} {
		if ok {
			t.Errorf("%s: was taken", name)
		}
	}
}

func TestAuthorLines(t *testing.T) {
	key := GenerateAuthorKey()
	public, err := ParseAuthorPublicKey(key.Public().String())
	if err != nil || public != key.Public() || public.ID() != key.Public().ID() {
		t.Errorf("%v", err)
	}
	back, err := ParseAuthorKey(key.SecretLine())
	if err != nil || back.Public() != key.Public() {
		t.Errorf("%v", err)
	}
	if raw, err := NewAuthorPublicKey(public.Bytes()); err != nil || raw != public {
		t.Errorf("%v", err)
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := NewAuthorPublicKey(make([]byte, n)); err == nil {
			t.Errorf("a public key of %d bytes was taken", n)
		}
		if _, err := NewAuthorKey(make([]byte, n)); err == nil {
			t.Errorf("a secret key of %d bytes was taken", n)
		}
	}
}

// TestSmallOrderIsForgeable makes, for each key in the table, a signature that
// nobody with a secret made, and sees the standard library take it.
func TestSmallOrderIsForgeable(t *testing.T) {
	// All canonical encodings of points of small order; one of them is -[k]A.
	var points [][]byte
	for _, y := range smallOrder[:5] {
		for _, sign := range []byte{0, 0x80} {
			p := unhex(t, y)
			p[31] |= sign
			points = append(points, p)
		}
	}
	for _, y := range smallOrder {
		key := unhex(t, y)
		forged := false
		for i := 0; i < 200 && !forged; i++ {
			body := fmt.Appendf(nil, "message %d", i)
			for _, r := range points {
				sig := append(bytes.Clone(r), make([]byte, 32)...) // S = 0
				forged = forged || ed25519.Verify(key, body, sig)
			}
		}
		if !forged {
			t.Errorf("%s: no forgery found; is it of small order?", y)
		}
		for _, sign := range []byte{0, 0x80} {
			key[31] = key[31]&0x7f | sign
			if _, err := NewAuthorPublicKey(key); !errors.Is(err, ErrLowOrder) {
				t.Errorf("%s: %v, want ErrLowOrder", hex.EncodeToString(key), err)
			}
		}
	}
}

// TestUnreducedKeys adds the prime to coordinates that are small enough for it:
// the same point by another name.
func TestUnreducedKeys(t *testing.T) {
	ones := bytes.Repeat([]byte{0xff}, AuthorKeySize)
	for first := 0; first < 256; first++ {
		raw := bytes.Clone(ones)
		raw[0], raw[31] = byte(first), 0x7f
		want := first >= 0xed // 2^255-19 and above
		if got := unreduced(raw); got != want {
			t.Errorf("%x: %v", raw, got)
		}
		_, authorErr := NewAuthorPublicKey(raw)
		_, recipientErr := NewRecipient(X25519, raw)
		if want && (authorErr == nil || recipientErr == nil) {
			t.Errorf("%x was taken: %v, %v", raw, authorErr, recipientErr)
		}
		raw[31] = 0x7e
		if unreduced(raw) {
			t.Errorf("%x is less than the prime", raw)
		}
	}
}
