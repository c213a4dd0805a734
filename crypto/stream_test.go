// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// edges are lengths around the ends of chunks.
var edges = []int{0, 1, ChunkSize - 1, ChunkSize, ChunkSize + 1, 2*ChunkSize - 1, 2 * ChunkSize, 3*ChunkSize + 7}

func testKey() []byte { return bytes.Repeat([]byte{0x42}, KeySize) }

func testMessage(n int) []byte {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i * 31 >> 3)
	}
	return m
}

func sealed(t testing.TB, s Suite, n int) []byte {
	t.Helper()
	m, err := SealMessage(s, testKey(), testMessage(n), "test")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMessageRoundTrip(t *testing.T) {
	for _, suite := range Suites() {
		for _, n := range edges {
			t.Run(fmt.Sprint(suite, n), func(t *testing.T) {
				message := sealed(t, suite, n)
				if int64(len(message)) != MessageSize(int64(n)) {
					t.Errorf("%d bytes, MessageSize says %d", len(message), MessageSize(int64(n)))
				}
				plain, err := OpenMessage(suite, testKey(), message, "test")
				if err != nil || !bytes.Equal(plain, testMessage(n)) {
					t.Errorf("%d bytes, %v", len(plain), err)
				}
				if again := sealed(t, suite, n); bytes.Equal(again, message) {
					t.Error("two messages have one salt")
				}
			})
		}
	}
}

// TestEveryByteCounts changes each byte of a message of three chunks.
func TestEveryByteCounts(t *testing.T) {
	for _, suite := range Suites() {
		message := sealed(t, suite, 2*ChunkSize+3)
		step := 1
		if testing.Short() {
			step = 97
		}
		for i := 0; i < len(message); i += step {
			message[i] ^= 1
			if _, err := OpenMessage(suite, testKey(), message, "test"); err == nil {
				t.Fatalf("%s: byte %d was changed and nobody noticed", suite, i)
			}
			message[i] ^= 1
		}
	}
}

func TestEveryCutCounts(t *testing.T) {
	for _, suite := range Suites() {
		message := sealed(t, suite, 2*ChunkSize)
		for _, n := range []int{0, 1, SaltSize, headerSize - 1, headerSize, headerSize + 15, headerSize + ChunkOverhead,
			headerSize + EncryptedChunkSize, headerSize + EncryptedChunkSize + ChunkOverhead,
			headerSize + 2*EncryptedChunkSize, len(message) - 1} {
			if _, err := OpenMessage(suite, testKey(), message[:n], "test"); err == nil {
				t.Errorf("%s: opened after %d of %d bytes", suite, n, len(message))
			}
		}
		for _, more := range []int{1, ChunkOverhead, EncryptedChunkSize} {
			if _, err := OpenMessage(suite, testKey(), append(bytes.Clone(message), make([]byte, more)...), "test"); err == nil {
				t.Errorf("%s: opened with %d bytes after its end", suite, more)
			}
		}
	}
}

func TestWrongKeyContextAndSuite(t *testing.T) {
	message := sealed(t, AES256GCM, 100)
	other := testKey()
	other[0] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"key":     func() ([]byte, error) { return OpenMessage(AES256GCM, other, message, "test") },
		"context": func() ([]byte, error) { return OpenMessage(AES256GCM, testKey(), message, "text") },
		"suite":   func() ([]byte, error) { return OpenMessage(ChaCha20Poly1305, testKey(), message, "test") },
	} {
		if _, err := open(); !errors.Is(err, ErrCommitment) {
			t.Errorf("another %s: %v, want ErrCommitment", name, err)
		}
	}
	if _, err := OpenStream(AES256GCM, testKey(), message[:SaltSize], make([]byte, CommitmentSize), "test"); !errors.Is(err, ErrCommitment) {
		t.Errorf("another commitment: %v", err)
	}
}

func TestChunksAreBoundToTheirPlace(t *testing.T) {
	for _, suite := range Suites() {
		s, err := NewStream(suite, testKey(), make([]byte, SaltSize), "")
		if err != nil {
			t.Fatal(err)
		}
		chunk := s.SealChunk(nil, testMessage(ChunkSize), 1)
		for _, n := range []int64{0, 2, 256, MaxChunks - 1} {
			if _, err := s.OpenChunk(nil, chunk, n); !errors.Is(err, ErrChunk) {
				t.Errorf("%s: chunk 1 opened as chunk %d: %v", suite, n, err)
			}
		}
		if _, err := s.OpenChunk(nil, chunk, 1); err != nil {
			t.Errorf("%s: chunk 1: %v", suite, err)
		}
	}
}

func TestBadParameters(t *testing.T) {
	if _, err := NewStream("AEAD_NONE", testKey(), make([]byte, SaltSize), ""); !errors.As(err, new(*UnknownSuiteError)) {
		t.Errorf("an unknown suite: %v", err)
	}
	if _, err := OpenMessage("AEAD_NONE", testKey(), nil, ""); !errors.As(err, new(*UnknownSuiteError)) {
		t.Errorf("an unknown suite: %v", err)
	}
	for _, n := range []int{0, 16, 31, 33} {
		if _, err := NewStream(AES256GCM, make([]byte, n), make([]byte, SaltSize), ""); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
	if _, err := NewStream(AES256GCM, testKey(), make([]byte, SaltSize-1), ""); err == nil {
		t.Error("a short salt was taken")
	}
}

func TestSizes(t *testing.T) {
	for _, n := range []int64{-1, 0, ChunkOverhead - 1, EncryptedChunkSize, 2 * EncryptedChunkSize, 2*EncryptedChunkSize + 15, MaxChunks * EncryptedChunkSize, 1<<63 - 1} {
		if size, err := PlaintextSize(n); !errors.Is(err, ErrTruncated) {
			t.Errorf("PlaintextSize(%d) = %d, %v", n, size, err)
		}
	}
	for _, n := range edges {
		if size, err := PlaintextSize(CiphertextSize(int64(n))); size != int64(n) || err != nil {
			t.Errorf("%d bytes come back as %d, %v", n, size, err)
		}
	}
}

// FuzzSizes makes sure that a ciphertext's length stands for one plaintext's.
func FuzzSizes(f *testing.F) {
	for _, n := range edges {
		f.Add(CiphertextSize(int64(n)))
	}
	f.Fuzz(func(t *testing.T, n int64) {
		size, err := PlaintextSize(n)
		if err != nil {
			return
		}
		if back := CiphertextSize(size); back != n {
			t.Errorf("%d holds %d, and that makes %d", n, size, back)
		}
	})
}

func BenchmarkOpenChunk(b *testing.B) {
	for _, suite := range Suites() {
		b.Run(string(suite), func(b *testing.B) {
			s, err := NewStream(suite, testKey(), make([]byte, SaltSize), "")
			if err != nil {
				b.Fatal(err)
			}
			chunk, out := s.SealChunk(nil, testMessage(ChunkSize), 0), make([]byte, 0, ChunkSize)
			b.SetBytes(ChunkSize)
			for b.Loop() {
				if _, err := s.OpenChunk(out, chunk, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
