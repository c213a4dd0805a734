// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Limits of a GGUF header that no real file comes near.
const (
	maxGGUFTensors = 1 << 24
	maxGGUFValues  = 1 << 20
	maxGGUFArray   = 1 << 28
	maxGGUFDims    = 8
)

// readGGUF reads the header of versions 2 and 3, little-endian (the ggml
// project, docs/gguf.md): counts, key-value pairs, then the tensors.
func readGGUF(r *bufio.Reader, info *WeightsInfo) error {
	g := &ggufReader{r: r}
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return err
	}
	if string(magic[:]) != "GGUF" {
		return errHeaderInvalid
	}
	if version := g.u32(); g.err == nil && version != 2 && version != 3 {
		return errHeaderVersion
	}
	tensors, values := g.u64(), g.u64()
	if tensors > maxGGUFTensors || values > maxGGUFValues {
		return errHeaderLarge
	}
	for range values {
		g.text(maxHeaderValue)
		g.skipValue(g.u32(), 0)
		if g.err != nil {
			return g.err
		}
	}
	for range tensors {
		g.text(maxHeaderValue)
		dims := g.u32()
		if g.err == nil && dims > maxGGUFDims {
			return errHeaderInvalid
		}
		shape := make([]uint64, 0, maxGGUFDims)
		for range dims {
			shape = append(shape, g.u64())
		}
		kind := g.u32()
		g.u64() // where the tensor's data lies
		if g.err != nil {
			return g.err
		}
		parameters, err := product(shape)
		if err != nil {
			return err
		}
		if err := info.count(ggmlType(kind), parameters); err != nil {
			return err
		}
	}
	return g.err
}

// ggufReader reads fields until the first error, and then gives zeros.
type ggufReader struct {
	r   *bufio.Reader
	err error
}

func (g *ggufReader) fixed(p []byte) {
	if g.err == nil {
		_, g.err = io.ReadFull(g.r, p)
	}
	if g.err != nil {
		clear(p)
	}
}

func (g *ggufReader) u32() uint32 {
	var b [4]byte
	g.fixed(b[:])
	return binary.LittleEndian.Uint32(b[:])
}

func (g *ggufReader) u64() uint64 {
	var b [8]byte
	g.fixed(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

// text skips a text, which is its length and its bytes.
func (g *ggufReader) text(limit uint64) {
	g.skip(g.u64(), limit)
}

func (g *ggufReader) skip(n, limit uint64) {
	if g.err == nil && n > limit {
		g.err = errHeaderLarge
	}
	if g.err == nil {
		_, g.err = io.CopyN(io.Discard, g.r, int64(n)) //nolint:gosec // at most limit
	}
}

// Kinds of values in a GGUF header, and the sizes of those that have one.
const (
	ggufText  = 8
	ggufArray = 9
)

var ggufSizes = map[uint32]uint64{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

func (g *ggufReader) skipValue(kind uint32, depth int) {
	switch size := ggufSizes[kind]; {
	case g.err != nil:
	case size > 0:
		g.skip(size, size)
	case kind == ggufText:
		g.text(maxGGUFArray)
	case kind == ggufArray && depth < 4:
		item, n := g.u32(), g.u64()
		if size := ggufSizes[item]; size > 0 {
			g.skip(min(n, maxGGUFArray+1)*size, maxGGUFArray*8)
			return
		}
		for i := uint64(0); i < n && g.err == nil; i++ {
			g.skipValue(item, depth+1)
		}
	default:
		g.err = errHeaderInvalid
	}
}

// ggmlTypes are the names of tensor types, by number (ggml.h, enum ggml_type).
var ggmlTypes = map[uint32]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1",
	10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K",
	16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
	24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func ggmlType(n uint32) string {
	if name, known := ggmlTypes[n]; known {
		return name
	}
	return fmt.Sprintf("type-%d", n)
}
