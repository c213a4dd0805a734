// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// KeySize is the length in bytes of a data key and of the keys of both suites.
const KeySize = 32

// Suite names an AEAD by its entry in IANA's registry of AEAD algorithms.
type Suite string

const (
	// AES256GCM is the default. With it the scheme is the published instance
	// Cobblestone-256 of c2sp.org/chunked-encryption.
	AES256GCM Suite = "AEAD_AES_256_GCM"
	// ChaCha20Poly1305 is for processors without AES instructions, where Go's
	// AES is slow and not constant-time. It is an instance of the same scheme
	// that only TGSP defines.
	ChaCha20Poly1305 Suite = "AEAD_CHACHA20_POLY1305"
)

// Suites lists the suites of format version 1, the default first.
func Suites() []Suite { return []Suite{AES256GCM, ChaCha20Poly1305} }

// UnknownSuiteError says that a document names an AEAD that this version lacks.
type UnknownSuiteError struct{ Name string }

func (e *UnknownSuiteError) Error() string {
	return fmt.Sprintf("unknown encryption suite %q", e.Name)
}

// instance is one instantiation of the chunked-encryption scheme. The tests use
// it to run published vectors for an AEAD that packages do not use.
type instance struct {
	name    string
	keySize int
	newAEAD func(key []byte) (cipher.AEAD, error)
}

func (s Suite) instance() (instance, error) {
	switch s {
	case AES256GCM:
		return instance{string(s), KeySize, newGCM}, nil
	case ChaCha20Poly1305:
		return instance{string(s), KeySize, chacha20poly1305.New}, nil
	}
	return instance{}, &UnknownSuiteError{string(s)}
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
