// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Truth tables of three operands for VPTERNLOGD, the destination first.
const (
	xor3     = 0x96
	choose   = 0xca // (x AND y) XOR (NOT x AND z)
	majority = 0xe8
)

// kernel is a function that hashes as many messages as a vector has words.
type kernel struct {
	name      string
	lanes     int
	vectors   []VecPhysical // 32; each holds one word of every message
	constants Mem
	swap      Mem
	// loadBlock fills the schedule with the next block of each message.
	loadBlock func(first, stride Register)
}

func (k *kernel) state(i int) VecPhysical    { return k.vectors[i] }    // of 8
func (k *kernel) temp(i int) VecPhysical     { return k.vectors[8+i] }  // of 8
func (k *kernel) schedule(i int) VecPhysical { return k.vectors[16+i] } // of 16

// word returns where the state has a variable.
func (k *kernel) word(state Mem, i int) Mem { return state.Offset(4 * k.lanes * i) }

func (k *kernel) generate() {
	TEXT(k.name, NOSPLIT, "func(state *uint32, first *byte, stride, n int)")
	state := Mem{Base: Load(Param("state"), GP64())}
	first, stride, n := Load(Param("first"), GP64()), Load(Param("stride"), GP64()), Load(Param("n"), GP64())
	Label("next")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	k.loadBlock(first, stride)
	for i := range 8 {
		VMOVDQU32(k.word(state, i), k.state(i))
	}
	for round := range 64 {
		if round >= 16 {
			k.extend(round)
		}
		k.compress(round)
	}
	// Eight rounds bring every variable back to its place.
	for i := range 8 {
		VPADDD(k.word(state, i), k.state(i), k.state(i))
		VMOVDQU32(k.state(i), k.word(state, i))
	}
	ADDQ(Imm(sha256.BlockSize), first)
	DECQ(n)
	JMP(LabelRef("next"))
	Label("done")
	VZEROUPPER()
	RET()
}

// extend makes the word of a round from earlier ones, in place of the oldest (FIPS
// 180-4, section 6.2.2, step 1).
func (k *kernel) extend(round int) {
	w := func(back int) VecPhysical { return k.schedule((round - back) % 16) }
	now := w(16)
	k.sigma(w(15), k.temp(0), k.temp(1), 7, 18, 3, true)
	VPADDD(w(7), now, now)
	k.sigma(w(2), k.temp(2), k.temp(3), 17, 19, 10, true)
	VPADDD(k.temp(0), now, now)
	VPADDD(k.temp(2), now, now)
}

// sigma is one of the functions of FIPS 180-4, section 4.1.2, of each word: three
// rotations to the right, the last one a shift in the message schedule.
func (k *kernel) sigma(x, to, spare VecPhysical, r1, r2, r3 uint8, shift bool) {
	VPRORD(Imm(uint64(r1)), x, to)
	VPRORD(Imm(uint64(r2)), x, spare)
	last := k.temp(7)
	if shift {
		VPSRLD(Imm(uint64(r3)), x, last)
	} else {
		VPRORD(Imm(uint64(r3)), x, last)
	}
	VPTERNLOGD(Imm(xor3), spare, last, to)
}

// compress does one round (step 3). The variables stay where they are and change
// their names.
func (k *kernel) compress(round int) {
	v := func(i int) VecPhysical { return k.state((i - round%8 + 8) % 8) }
	a, b, c, d, e, f, g, h := v(0), v(1), v(2), v(3), v(4), v(5), v(6), v(7)
	VPADDD_BCST(k.constants.Offset(4*round), k.schedule(round%16), k.temp(4))
	VPADDD(k.temp(4), h, h)
	k.sigma(e, k.temp(0), k.temp(1), 6, 11, 25, false)
	VMOVDQA32(e, k.temp(5))
	VPTERNLOGD(Imm(choose), g, f, k.temp(5))
	VPADDD(k.temp(0), h, h)
	VPADDD(k.temp(5), h, h) // T1
	VPADDD(h, d, d)
	k.sigma(a, k.temp(2), k.temp(3), 2, 13, 22, false)
	VMOVDQA32(a, k.temp(6))
	VPTERNLOGD(Imm(majority), c, b, k.temp(6))
	VPADDD(k.temp(2), h, h)
	VPADDD(k.temp(6), h, h) // T1 + T2
}
