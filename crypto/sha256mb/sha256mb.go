// SPDX-License-Identifier: Apache-2.0

// Package sha256mb hashes eight messages of equal length at once (multi-buffer
// hashing).
//
// One SHA-256 is a chain of instructions that wait for each other. Vectors that hold
// one word of each of eight messages have no such chain. The package exists because
// no maintained library has that for long messages; digests are those of
// crypto/sha256, which is its fallback and what it is tested against.
package sha256mb

import "crypto/sha256"

//go:generate go -C gen run . -out ../blocks_amd64.s

// Lanes is how many messages are hashed at once.
const Lanes = 8

// Sum sets the SHA-256 digests (FIPS 180-4) of Lanes messages of equal length that
// follow each other in data, whose length is a multiple of Lanes. Where the processor
// lacks the instructions it takes crypto/sha256.
func Sum(digests *[Lanes][sha256.Size]byte, data []byte) {
	if Accelerated() {
		sum(digests, data)
		return
	}
	sumEach(digests, data)
}

func sumEach(digests *[Lanes][sha256.Size]byte, data []byte) {
	size := len(data) / Lanes
	for i := range digests {
		digests[i] = sha256.Sum256(data[i*size : (i+1)*size])
	}
}
