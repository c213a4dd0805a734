// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gather loads a part of the block of each message.
func (k *kernel) gather(first, stride Register, part int, to func(message int) VecPhysical) {
	at := GP64()
	MOVQ(first, at)
	for i := range k.lanes {
		VMOVDQU32(Mem{Base: at, Disp: part}, to(i))
		if i < k.lanes-1 {
			ADDQ(stride, at)
		}
	}
}

// unpack makes, of each four vectors of messages, four with two words of four
// messages in each 16 bytes. What is in from is lost.
func unpack(from, to func(i int) VecPhysical, n int) {
	for i := range n / 2 { // pairs of words of two messages
		VPUNPCKLDQ(from(2*i+1), from(2*i), to(2*i))
		VPUNPCKHDQ(from(2*i+1), from(2*i), to(2*i+1))
	}
	for i := range n / 4 { // and of four
		VPUNPCKLQDQ(to(4*i+2), to(4*i), from(4*i))
		VPUNPCKHQDQ(to(4*i+2), to(4*i), from(4*i+1))
		VPUNPCKLQDQ(to(4*i+3), to(4*i+1), from(4*i+2))
		VPUNPCKHQDQ(to(4*i+3), to(4*i+1), from(4*i+3))
	}
}

// load8 turns eight words of each message at a time into vectors of one word of all
// messages.
func (k *kernel) load8(first, stride Register) {
	for half := range 2 {
		Comment(fmt.Sprintf("Words %d to %d of the block of each message.", 8*half, 8*half+7))
		to := func(i int) VecPhysical { return k.schedule(8*half + i) }
		k.gather(first, stride, 32*half, k.temp)
		unpack(k.temp, to, 8)
		for i := range 4 {
			VSHUFI64X2(Imm(0), k.temp(4+i), k.temp(i), to(i))
			VSHUFI64X2(Imm(3), k.temp(4+i), k.temp(i), to(4+i))
		}
	}
	k.swapBytes()
}

// load16 does so with whole blocks, for which it takes the place of the variables.
func (k *kernel) load16(first, stride Register) {
	Comment("The block of each message.")
	low := func(i int) VecPhysical { return k.vectors[i] }
	k.gather(first, stride, 0, k.schedule)
	unpack(k.schedule, low, 16)
	// Each fourth of schedule(4m+i) has the word 4q+i of messages 4m to 4m+3.
	for i := range 4 {
		VSHUFI32X4(Imm(0x88), k.schedule(4+i), k.schedule(i), low(i))       // fourths 0 and 2, of messages 0 to 7
		VSHUFI32X4(Imm(0xdd), k.schedule(4+i), k.schedule(i), low(4+i))     // 1 and 3
		VSHUFI32X4(Imm(0x88), k.schedule(12+i), k.schedule(8+i), low(8+i))  // of messages 8 to 15
		VSHUFI32X4(Imm(0xdd), k.schedule(12+i), k.schedule(8+i), low(12+i)) // likewise
	}
	for i := range 4 {
		VSHUFI32X4(Imm(0x88), low(8+i), low(i), k.schedule(i))
		VSHUFI32X4(Imm(0xdd), low(8+i), low(i), k.schedule(8+i))
		VSHUFI32X4(Imm(0x88), low(12+i), low(4+i), k.schedule(4+i))
		VSHUFI32X4(Imm(0xdd), low(12+i), low(4+i), k.schedule(12+i))
	}
	k.swapBytes()
}

// swapBytes brings the schedule's bytes into the order of numbers.
func (k *kernel) swapBytes() {
	for i := range 16 {
		VPSHUFB(k.swap, k.schedule(i), k.schedule(i))
	}
}
