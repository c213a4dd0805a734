// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// Sizes of c2sp.org/chunked-encryption, in bytes unless it says otherwise.
const (
	ChunkSize          = 16 << 10 // plaintext of every chunk but the last
	ChunkOverhead      = 16       // the AEAD's tag
	EncryptedChunkSize = ChunkSize + ChunkOverhead
	SaltSize           = 24
	CommitmentSize     = 32
	// MaxChunks is the number of chunks that one message may have.
	MaxChunks = 1 << 38

	nonceSize  = 12
	headerSize = SaltSize + CommitmentSize
	// hkdfPrefix separates this use of HKDF-Expand from all others.
	hkdfPrefix = "c2sp.org/chunked-encryption@v1+"
)

var (
	// ErrCommitment means that the key, the salt or the context is not the one
	// that the message was encrypted with.
	ErrCommitment = errors.New("key commitment does not match")
	// ErrChunk means that a chunk is not what was encrypted at this place.
	ErrChunk = errors.New("chunk does not authenticate")
	// ErrTruncated means that a message's length is impossible, so that its
	// last chunk, which is always short, is missing.
	ErrTruncated = errors.New("message is truncated or too long")
)

// Stream seals and opens the chunks of one message, in any order and from any
// number of goroutines.
type Stream struct {
	aead       cipher.AEAD
	base       [nonceSize]byte
	commitment [CommitmentSize]byte
	nonces     sync.Pool // of *[nonceSize]byte: a nonce on the stack would escape, once a chunk
}

// NewStream derives the keys of a new message. The salt must be fresh and
// random; salt and commitment travel with the message.
func NewStream(suite Suite, key, salt []byte, context string) (*Stream, error) {
	in, err := suite.instance()
	if err != nil {
		return nil, err
	}
	return newStream(in, key, salt, context)
}

// OpenStream derives the keys of an existing message and checks the commitment
// before anything can be decrypted. It returns ErrCommitment where it differs.
func OpenStream(suite Suite, key, salt, commitment []byte, context string) (*Stream, error) {
	s, err := NewStream(suite, key, salt, context)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(s.commitment[:], commitment) != 1 {
		return nil, ErrCommitment
	}
	return s, nil
}

// newStream is the key derivation of c2sp.org/chunked-encryption.
func newStream(in instance, key, salt []byte, context string) (*Stream, error) {
	if len(key) != in.keySize {
		return nil, fmt.Errorf("key of %d bytes, want %d", len(key), in.keySize)
	}
	if len(salt) != SaltSize {
		return nil, fmt.Errorf("salt of %d bytes, want %d", len(salt), SaltSize)
	}
	info := hkdfPrefix + in.name + "\x00" + string(salt) + context
	okm, err := hkdf.Expand(sha512.New, key, info, in.keySize+nonceSize+CommitmentSize)
	if err != nil {
		return nil, err
	}
	defer clear(okm)
	s := &Stream{nonces: sync.Pool{New: func() any { return new([nonceSize]byte) }}}
	if s.aead, err = in.newAEAD(okm[:in.keySize]); err != nil {
		return nil, err
	}
	copy(s.base[:], okm[in.keySize:])
	copy(s.commitment[:], okm[in.keySize+nonceSize:])
	return s, nil
}

// Commitment returns the 32 bytes that bind the message to its key.
func (s *Stream) Commitment() [CommitmentSize]byte { return s.commitment }

// SealChunk appends chunk n, encrypted, to dst. All chunks but the last hold
// ChunkSize bytes; the last one is shorter and may be empty.
func (s *Stream) SealChunk(dst, plaintext []byte, n int64) []byte {
	nonce := s.nonce(n)
	defer s.nonces.Put(nonce)
	return s.aead.Seal(dst, nonce[:], plaintext, nil)
}

// OpenChunk appends the plaintext of chunk n to dst. It returns ErrChunk where
// the chunk is not the one that was sealed at this place in this message. The
// caller knows the message's length and so which chunk must be the short one.
func (s *Stream) OpenChunk(dst, ciphertext []byte, n int64) ([]byte, error) {
	nonce := s.nonce(n)
	defer s.nonces.Put(nonce)
	out, err := s.aead.Open(dst, nonce[:], ciphertext, nil)
	if err != nil {
		return nil, ErrChunk
	}
	return out, nil
}

// nonce is the base nonce XOR the chunk's number as a big-endian integer.
func (s *Stream) nonce(n int64) *[nonceSize]byte {
	nonce := s.nonces.Get().(*[nonceSize]byte)
	*nonce = s.base
	tail := nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^uint64(n)) //nolint:gosec // n is never negative: it counts chunks
	return nonce
}

// CiphertextSize returns the length of all chunks of a message of n plaintext
// bytes, without salt and commitment.
func CiphertextSize(n int64) int64 {
	return n + (n/ChunkSize+1)*ChunkOverhead
}

// PlaintextSize is the inverse of CiphertextSize. It returns ErrTruncated for a
// length that no message has.
func PlaintextSize(n int64) (int64, error) {
	full, rest := n/EncryptedChunkSize, n%EncryptedChunkSize
	if n < 0 || rest < ChunkOverhead || full >= MaxChunks {
		return 0, ErrTruncated
	}
	return full*ChunkSize + rest - ChunkOverhead, nil
}
