// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"crypto/rand"
	"crypto/subtle"
)

// SealMessage encrypts a whole message held in memory, under a fresh salt, in
// the form of c2sp.org/chunked-encryption: salt, commitment, chunks.
func SealMessage(suite Suite, key, plaintext []byte, context string) ([]byte, error) {
	salt := make([]byte, SaltSize)
	rand.Read(salt) // never fails: crypto/rand ends the program instead
	return SealMessageUnder(suite, key, salt, plaintext, context)
}

// SealMessageUnder is SealMessage with a salt of the caller's, SaltSize random bytes
// that no other message has.
func SealMessageUnder(suite Suite, key, salt, plaintext []byte, context string) ([]byte, error) {
	s, err := NewStream(suite, key, salt, context)
	if err != nil {
		return nil, err
	}
	return s.sealAll(salt, plaintext), nil
}

// OpenMessage decrypts what SealMessage made. It returns ErrCommitment for a
// wrong key or context, ErrTruncated for an impossible length and ErrChunk for
// altered chunks; never a part of the message.
func OpenMessage(suite Suite, key, message []byte, context string) ([]byte, error) {
	in, err := suite.instance()
	if err != nil {
		return nil, err
	}
	return openMessage(in, key, message, context)
}

// MessageSize returns the length in bytes of a sealed message of n plaintext bytes.
func MessageSize(n int64) int64 { return headerSize + CiphertextSize(n) }

// MessagePlaintextSize is the inverse of MessageSize. It returns ErrTruncated
// for a length that no sealed message has.
func MessagePlaintextSize(n int64) (int64, error) { return PlaintextSize(n - headerSize) }

func (s *Stream) sealAll(salt, plaintext []byte) []byte {
	out := make([]byte, 0, MessageSize(int64(len(plaintext))))
	out = append(out, salt...)
	out = append(out, s.commitment[:]...)
	for n := int64(0); ; n++ {
		// The last chunk is short, so a full rest is followed by an empty chunk.
		if len(plaintext) < ChunkSize {
			return s.SealChunk(out, plaintext, n)
		}
		out = s.SealChunk(out, plaintext[:ChunkSize], n)
		plaintext = plaintext[ChunkSize:]
	}
}

func openMessage(in instance, key, message []byte, context string) ([]byte, error) {
	if len(message) < headerSize {
		return nil, ErrTruncated
	}
	salt, commitment, body := message[:SaltSize], message[SaltSize:headerSize], message[headerSize:]
	s, err := newStream(in, key, salt, context)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(s.commitment[:], commitment) != 1 {
		return nil, ErrCommitment
	}
	size, err := PlaintextSize(int64(len(body)))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, size)
	for n := int64(0); len(body) > 0; n++ {
		chunk := body[:min(EncryptedChunkSize, len(body))]
		body = body[len(chunk):]
		if out, err = s.OpenChunk(out, chunk, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}
