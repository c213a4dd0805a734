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

// blocks8 and blocks16 add n blocks of 64 bytes of each message to the states. A
// state has a variable's words of all messages side by side; stride is from a message
// to the next, in bytes.
//
//go:noescape
func blocks8(state *uint32, first *byte, stride, n int)

//go:noescape
func blocks16(state *uint32, first *byte, stride, n int)

// mostLanes is how many messages are hashed at once where there are enough.
const mostLanes = 16

// sumSome hashes sixteen or eight messages, and returns how many.
func sumSome(digests [][sha256.Size]byte, data []byte, size int) int {
	var state [8 * mostLanes]uint32
	var ends [mostLanes][2 * sha256.BlockSize]byte
	lanes := Lanes
	if len(digests) >= mostLanes {
		lanes = mostLanes
	}
	words := func(i int) []uint32 { return state[i*lanes : (i+1)*lanes] }
	for i := range initial {
		fill(words(i), initial[i])
	}
	whole, last := size/sha256.BlockSize, pad(ends[:lanes], data, size)
	blocks(lanes, &state[0], unsafe.SliceData(data), size, whole) //nolint:gosec // as many blocks as each has
	blocks(lanes, &state[0], &ends[0][0], len(ends[0]), last)
	for i := range initial {
		put(digests, i, words(i))
	}
	return lanes
}

// blocks is no function value: with one, state would not stay on the stack.
func blocks(lanes int, state *uint32, first *byte, stride, n int) {
	if lanes == mostLanes {
		blocks16(state, first, stride, n)
		return
	}
	blocks8(state, first, stride, n)
}

func fill(words []uint32, value uint32) {
	for i := range words {
		words[i] = value
	}
}

// pad sets the ends of messages: what is no whole block, a one bit, zeros, and the
// length in bits (FIPS 180-4, section 5.1.1). It returns how many blocks each has.
func pad(ends [][2 * sha256.BlockSize]byte, data []byte, size int) int {
	rest := size % sha256.BlockSize
	blocks := 1
	if rest+1+8 > sha256.BlockSize {
		blocks = 2
	}
	for lane := range ends {
		copy(ends[lane][:], data[(lane+1)*size-rest:(lane+1)*size])
		ends[lane][rest] = 0x80
		binary.BigEndian.PutUint64(ends[lane][blocks*sha256.BlockSize-8:], uint64(size)*8) //nolint:gosec // a length is never negative
	}
	return blocks
}

// put sets word i of the digests.
func put(digests [][sha256.Size]byte, i int, words []uint32) {
	for lane, word := range words {
		binary.BigEndian.PutUint32(digests[lane][4*i:], word)
	}
}
