// SPDX-License-Identifier: Apache-2.0

// Command gen writes ../blocks_amd64.s: go generate in the folder above.
package main

import (
	"crypto/sha256"
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// lanes is how many messages there are: one for each word of a vector.
const lanes = 8

// Vectors hold one word of each message.
var (
	state    = [8]VecPhysical{Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7}
	temp     = [8]VecPhysical{Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15}
	schedule = [16]VecPhysical{Y16, Y17, Y18, Y19, Y20, Y21, Y22, Y23, Y24, Y25, Y26, Y27, Y28, Y29, Y30, Y31}
)

// Truth tables of three operands for VPTERNLOGD, the destination first.
const (
	xor3     = 0x96
	choose   = 0xca // (x AND y) XOR (NOT x AND z)
	majority = 0xe8
)

func main() {
	ConstraintExpr("amd64")
	constants := constants()
	swap := GLOBL("swapBytes", RODATA|NOPTR)
	for i := range 2 {
		DATA(16*i, U64(0x0405060700010203))
		DATA(16*i+8, U64(0x0c0d0e0f08090a0b))
	}

	TEXT("blocks", NOSPLIT, "func(state *[8][8]uint32, first *byte, stride, n int)")
	digest := Mem{Base: Load(Param("state"), GP64())}
	first, stride, n := Load(Param("first"), GP64()), Load(Param("stride"), GP64()), Load(Param("n"), GP64())
	for i, s := range state {
		VMOVDQU(digest.Offset(32*i), s)
	}
	Label("next")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	at := GP64()
	for half := range 2 {
		Comment(fmt.Sprintf("Words %d to %d of the block of each message.", 8*half, 8*half+7))
		MOVQ(first, at)
		for i := range lanes {
			VMOVDQU(Mem{Base: at, Disp: 32 * half}, temp[i])
			if i < lanes-1 {
				ADDQ(stride, at)
			}
		}
		transpose([8]VecPhysical(schedule[8*half:8*half+8]), swap)
	}
	for round := range 64 {
		if round >= 16 {
			extend(round)
		}
		compress(round, constants)
	}
	// Eight rounds bring every variable back to its place.
	for i, s := range state {
		VPADDD(digest.Offset(32*i), s, s)
		VMOVDQU(s, digest.Offset(32*i))
	}
	ADDQ(Imm(sha256.BlockSize), first)
	DECQ(n)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
	Generate()
}

// constants are FIPS 180-4, section 4.2.2, each once for every message.
func constants() Mem {
	m := GLOBL("constants", RODATA|NOPTR)
	for i, k := range k256 {
		for lane := range lanes {
			DATA(32*i+4*lane, U32(k))
		}
	}
	return m
}

// transpose turns eight words of each message, in temp, into vectors of one word of
// all messages, with their bytes in the order of numbers.
func transpose(to [8]VecPhysical, swap Mem) {
	for i := range 4 { // pairs of words of two messages
		VPUNPCKLDQ(temp[2*i+1], temp[2*i], to[2*i])
		VPUNPCKHDQ(temp[2*i+1], temp[2*i], to[2*i+1])
	}
	for i := range 2 { // and of four
		VPUNPCKLQDQ(to[4*i+2], to[4*i], temp[4*i])
		VPUNPCKHQDQ(to[4*i+2], to[4*i], temp[4*i+1])
		VPUNPCKLQDQ(to[4*i+3], to[4*i+1], temp[4*i+2])
		VPUNPCKHQDQ(to[4*i+3], to[4*i+1], temp[4*i+3])
	}
	for i := range 4 { // and of eight
		VSHUFI64X2(Imm(0), temp[4+i], temp[i], to[i])
		VSHUFI64X2(Imm(3), temp[4+i], temp[i], to[4+i])
	}
	for _, w := range to {
		VPSHUFB(swap, w, w)
	}
}

// extend makes the word of a round from earlier ones, in place of the oldest (FIPS
// 180-4, section 6.2.2, step 1).
func extend(round int) {
	w := func(back int) VecPhysical { return schedule[(round-back)%16] }
	now := w(16)
	sigma(w(15), temp[0], temp[1], 7, 18, 3, true)
	VPADDD(w(7), now, now)
	sigma(w(2), temp[2], temp[3], 17, 19, 10, true)
	VPADDD(temp[0], now, now)
	VPADDD(temp[2], now, now)
}

// sigma is one of the functions of FIPS 180-4, section 4.1.2, of each word: three
// rotations to the right, the last one a shift in the message schedule.
func sigma(x, to, spare VecPhysical, r1, r2, r3 uint8, shift bool) {
	VPRORD(Imm(uint64(r1)), x, to)
	VPRORD(Imm(uint64(r2)), x, spare)
	last := temp[7]
	if shift {
		VPSRLD(Imm(uint64(r3)), x, last)
	} else {
		VPRORD(Imm(uint64(r3)), x, last)
	}
	VPTERNLOGD(Imm(xor3), spare, last, to)
}

// compress does one round (step 3). The variables stay where they are and change
// their names.
func compress(round int, constants Mem) {
	v := func(i int) VecPhysical { return state[(i-round%8+8)%8] }
	a, b, c, d, e, f, g, h := v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)
	VPADDD(constants.Offset(32*round), schedule[round%16], temp[4])
	VPADDD(temp[4], h, h)
	sigma(e, temp[0], temp[1], 6, 11, 25, false)
	VMOVDQA32(e, temp[5])
	VPTERNLOGD(Imm(choose), g, f, temp[5])
	VPADDD(temp[0], h, h)
	VPADDD(temp[5], h, h) // T1
	VPADDD(h, d, d)
	sigma(a, temp[2], temp[3], 2, 13, 22, false)
	VMOVDQA32(a, temp[6])
	VPTERNLOGD(Imm(majority), c, b, temp[6])
	VPADDD(temp[2], h, h)
	VPADDD(temp[6], h, h) // T1 + T2
}
