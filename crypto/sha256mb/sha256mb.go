// SPDX-License-Identifier: Apache-2.0

// Package sha256mb hashes several messages of equal length at once (multi-buffer
// hashing).
//
// One SHA-256 is a chain of instructions that wait for each other. Vectors that hold
// one word of each of eight or sixteen messages have no such chain. The package exists
// because no maintained library has that for long messages; digests are those of
// crypto/sha256, which is its fallback and what it is tested against.
package sha256mb

import "crypto/sha256"

//go:generate go -C gen run . -out ../blocks_amd64.s

// Lanes is how many messages are at least hashed at once.
const Lanes = 8

// Sum sets the SHA-256 digests (FIPS 180-4) of messages of equal length that follow
// each other in data, one for each digest. It takes them sixteen and eight at a time
// where the processor has the instructions; what is left over, and everything where
// it has not, goes by crypto/sha256.
func Sum(digests [][sha256.Size]byte, data []byte) {
	if len(digests) == 0 {
		return
	}
	size := len(data) / len(digests)
	for len(digests) >= Lanes && Accelerated() {
		n := sumSome(digests, data, size)
		digests, data = digests[n:], data[n*size:]
	}
	for i := range digests {
		digests[i] = sha256.Sum256(data[i*size : (i+1)*size])
	}
}
