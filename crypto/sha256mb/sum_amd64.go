// SPDX-License-Identifier: Apache-2.0

package sha256mb

import (
	"crypto/sha256"
	"encoding/binary"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

var accelerated = cpuid.CPU.Supports(cpuid.AVX2, cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL)

// Accelerated reports whether Lanes messages take less time than one after the other.
func Accelerated() bool { return accelerated }

// initial is the state before the first block (FIPS 180-4, section 5.3.3).
var initial = [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}

// blocks adds n blocks of 64 bytes of each message to the states. A state has a
// variable's words of all messages side by side; stride is from a message to the
// next, in bytes.
//
//go:noescape
func blocks(state *[8][Lanes]uint32, first *byte, stride, n int)

func sum(digests *[Lanes][sha256.Size]byte, data []byte) {
	var state [8][Lanes]uint32
	for i := range state {
		for lane := range Lanes {
			state[i][lane] = initial[i]
		}
	}
	size := len(data) / Lanes
	whole := size / sha256.BlockSize
	blocks(&state, unsafe.SliceData(data), size, whole) //nolint:gosec // as many blocks as each has
	// What is left, a one bit, zeros, and the length in bits: one block or two.
	var ends [Lanes][2 * sha256.BlockSize]byte
	last := sha256.BlockSize
	if size-whole*sha256.BlockSize+1+8 > sha256.BlockSize {
		last = 2 * sha256.BlockSize
	}
	for lane := range ends {
		n := copy(ends[lane][:], data[lane*size+whole*sha256.BlockSize:(lane+1)*size])
		ends[lane][n] = 0x80
		binary.BigEndian.PutUint64(ends[lane][last-8:], uint64(size)*8)
	}
	blocks(&state, &ends[0][0], len(ends[0]), last/sha256.BlockSize)
	for lane := range digests {
		for i := range state {
			binary.BigEndian.PutUint32(digests[lane][4*i:], state[i][lane])
		}
	}
}
