// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
)

// TestMessageSizes goes from plaintext to message and back at the edges of chunks.
func TestMessageSizes(t *testing.T) {
	for _, n := range []int64{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 3 * ChunkSize, 1 << 40} {
		size := MessageSize(n)
		if back, err := MessagePlaintextSize(size); back != n || err != nil {
			t.Errorf("%d bytes come back as %d, %v", n, back, err)
		}
	}
	for _, size := range []int64{-1, 0, 1, headerSize, MessageSize(0) - 1, headerSize + EncryptedChunkSize, headerSize + EncryptedChunkSize + ChunkOverhead - 1} {
		if n, err := MessagePlaintextSize(size); !errors.Is(err, ErrTruncated) {
			t.Errorf("a message of %d bytes holds %d, %v", size, n, err)
		}
	}
}

// TestOpenStream opens what NewStream made, and nothing else.
func TestOpenStream(t *testing.T) {
	key, salt := bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, SaltSize)
	for _, suite := range Suites() {
		s, err := NewStream(suite, key, salt, "context")
		if err != nil {
			t.Fatal(err)
		}
		commitment := s.Commitment()
		again, err := OpenStream(suite, key, salt, commitment[:], "context")
		if err != nil {
			t.Fatal(err)
		}
		sealed := s.SealChunk(nil, []byte("plain"), 7)
		if got, err := again.OpenChunk([]byte("front "), sealed, 7); string(got) != "front plain" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := again.OpenChunk(nil, sealed, 8); !errors.Is(err, ErrChunk) {
			t.Errorf("opened at another place: %v", err)
		}
		for what, open := range map[string]func() (*Stream, error){
			"key": func() (*Stream, error) {
				return OpenStream(suite, bytes.Repeat([]byte{3}, KeySize), salt, commitment[:], "context")
			},
			"salt": func() (*Stream, error) {
				return OpenStream(suite, key, bytes.Repeat([]byte{3}, SaltSize), commitment[:], "context")
			},
			"context":    func() (*Stream, error) { return OpenStream(suite, key, salt, commitment[:], "Context") },
			"commitment": func() (*Stream, error) { return OpenStream(suite, key, salt, make([]byte, CommitmentSize), "context") },
			"cut":        func() (*Stream, error) { return OpenStream(suite, key, salt, commitment[:31], "context") },
		} {
			if _, err := open(); !errors.Is(err, ErrCommitment) {
				t.Errorf("another %s: %v", what, err)
			}
		}
		if _, err := OpenStream(suite, key[1:], salt, commitment[:], "context"); err == nil || errors.Is(err, ErrCommitment) {
			t.Errorf("a short key: %v", err)
		}
	}
	unknown := new(UnknownSuiteError)
	if _, err := OpenStream("AEAD_NONE", key, salt, nil, ""); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "AEAD_NONE") {
		t.Errorf("an unknown suite: %v", err)
	}
	if _, err := SealMessage("AEAD_NONE", key, nil, ""); !errors.As(err, &unknown) {
		t.Errorf("sealed by an unknown suite: %v", err)
	}
}

// TestAuthorID has an author's id in the form in which it is shown.
func TestAuthorID(t *testing.T) {
	key := GenerateAuthorKey().Public()
	if id := key.ID().String(); len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
		t.Errorf("%q", id)
	}
	if (AuthorPublicKey{}).Verify("type", nil, make([]byte, 64)) {
		t.Error("the zero key verifies a signature")
	}
}

// TestLargestMessage has the number of chunks at its limit.
func TestLargestMessage(t *testing.T) {
	const largest = MaxChunks*ChunkSize - 1 // the last chunk is short
	if n, err := PlaintextSize(CiphertextSize(largest)); n != largest || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := PlaintextSize(CiphertextSize(largest + 1)); !errors.Is(err, ErrTruncated) {
		t.Errorf("one byte more: %d, %v", n, err)
	}
}

// TestZeroKeyVerifiesNothing forges a signature under the key that a forgotten
// AuthorPublicKey is, which is a point of small order.
func TestZeroKeyVerifiesNothing(t *testing.T) {
	forged := append([]byte{1}, make([]byte, ed25519.SignatureSize-1)...)
	forgeries := 0
	for i := range 100 {
		body := []byte{byte(i)}
		if !ed25519.Verify(make([]byte, AuthorKeySize), preAuthEncoding("type", body), forged) {
			continue
		}
		forgeries++
		if (AuthorPublicKey{}).Verify("type", body, forged) {
			t.Fatalf("the forgery over %x is taken", body)
		}
	}
	if forgeries == 0 {
		t.Error("no forgery among 100, where one in four is expected")
	}
}
