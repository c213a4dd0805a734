// SPDX-License-Identifier: Apache-2.0

// Command gen writes ../blocks_amd64.s: go generate in the folder above.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	constants, swap := constants(), swap()
	eight := &kernel{
		name: "blocks8", lanes: 8, constants: constants, swap: swap,
		vectors: []VecPhysical{
			Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15,
			Y16, Y17, Y18, Y19, Y20, Y21, Y22, Y23, Y24, Y25, Y26, Y27, Y28, Y29, Y30, Y31,
		},
	}
	eight.loadBlock = eight.load8
	eight.generate()
	sixteen := &kernel{
		name: "blocks16", lanes: 16, constants: constants, swap: swap,
		vectors: []VecPhysical{
			Z0, Z1, Z2, Z3, Z4, Z5, Z6, Z7, Z8, Z9, Z10, Z11, Z12, Z13, Z14, Z15,
			Z16, Z17, Z18, Z19, Z20, Z21, Z22, Z23, Z24, Z25, Z26, Z27, Z28, Z29, Z30, Z31,
		},
	}
	sixteen.loadBlock = sixteen.load16
	sixteen.generate()
	Generate()
}

// constants are those of the rounds, in order.
func constants() Mem {
	m := GLOBL("constants", RODATA|NOPTR)
	for i, k := range k256 {
		DATA(4*i, U32(k))
	}
	return m
}

// swap is the order of bytes that makes numbers of big-endian words, for the
// largest vector.
func swap() Mem {
	m := GLOBL("swapBytes", RODATA|NOPTR)
	for i := range 4 {
		DATA(16*i, U64(0x0405060700010203))
		DATA(16*i+8, U64(0x0c0d0e0f08090a0b))
	}
	return m
}
