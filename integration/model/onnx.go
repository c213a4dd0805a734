// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"os"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	onnxData   = "external.onnx.data"
	onnxMatrix = 4 * width * width // bytes
	// onnxInline bounds what lies in one file: a protobuf message must be smaller
	// than 2 GiB, and programs hold it more than once.
	onnxInline = 1 << 30
)

// ONNX writes a model in the format of ONNX into dir, in two layouts: external.onnx
// with its weights in external.onnx.data, and inline.onnx, of at most 1 GiB, with
// its weights in itself. The model has a vector, to which each matrix in turn adds
// what it makes of it: so no number grows without bound, and every matrix has its
// part in the answer. The matrices are as many as fit into size bytes. They are
// outputs too, for who wants to see what was loaded.
func ONNX(dir string, seed uint64, size int64) (Summary, error) {
	if size < onnxMatrix {
		return Summary{}, fmt.Errorf("ONNX model of %d bytes: at least %d", size, onnxMatrix)
	}
	w := newWriter(dir, seed)
	n := int(size / onnxMatrix)
	front, parts := onnxModel(n, false)
	w.onnxFile("external.onnx", front, parts)
	w.onnxFile(onnxData, nil, []onnxPart{{data: int64(n) * onnxMatrix}})
	front, parts = onnxModel(int(min(size, onnxInline)/onnxMatrix), true)
	w.onnxFile("inline.onnx", front, parts)
	return w.sum, w.err
}

func (w *writer) onnxFile(name string, front []byte, parts []onnxPart) {
	w.create(name, 0o644, func(f *os.File) error {
		weights := w.newStream(onnxData) // the same in both layouts
		if _, err := f.Write(front); err != nil {
			return err
		}
		for _, p := range parts {
			if _, err := f.Write(p.front); err != nil {
				return err
			}
			if err := weights.write(f, p.data, shapes["F32"]); err != nil {
				return err
			}
		}
		return nil
	})
}

// onnxPart is a part of a message: some bytes, and how many of a matrix follow.
type onnxPart struct {
	front []byte
	data  int64
}

// onnxModel is a ModelProto: what comes before its graph, and the graph's parts.
func onnxModel(n int, inline bool) ([]byte, []onnxPart) {
	graph := onnxGraph(n)
	parts := []onnxPart{{front: graph}}
	length := int64(len(graph))
	for i := range n {
		p := onnxWeight(i, inline)
		parts = append(parts, p)
		length += int64(len(p.front)) + p.data
	}
	const irVersion, opset = 7, 13
	b := pbNumber(nil, 1, irVersion)                   // ir_version
	b = pbBytes(b, 2, []byte("tgsp"))                  // producer_name
	b = pbBytes(b, 8, pbNumber(nil, 2, opset))         // opset_import
	b = protowire.AppendTag(b, 7, protowire.BytesType) // graph
	return protowire.AppendVarint(b, uint64(length)), parts
}

// onnxGraph is a GraphProto without its initializers.
func onnxGraph(n int) []byte {
	const node, name, input, output = 1, 2, 11, 12
	b := pbBytes(nil, name, []byte("chain"))
	x := "x"
	for i := range n {
		product, sum := fmt.Sprintf("product%d", i), fmt.Sprintf("sum%d", i)
		if i == n-1 {
			sum = "y"
		}
		b = pbBytes(b, node, onnxNode("MatMul", product, x, onnxWeightName(i)))
		b = pbBytes(b, node, onnxNode("Add", sum, x, product))
		x = sum
	}
	b = pbBytes(b, input, onnxValue("x", 1, width))
	b = pbBytes(b, output, onnxValue("y", 1, width))
	for i := range n {
		b = pbBytes(b, output, onnxValue(onnxWeightName(i), width, width))
	}
	return b
}

func onnxWeightName(i int) string { return fmt.Sprintf("weight%d", i) }

// onnxNode is a NodeProto.
func onnxNode(kind, output string, inputs ...string) []byte {
	var b []byte
	for _, s := range inputs {
		b = pbBytes(b, 1, []byte(s)) // input
	}
	b = pbBytes(b, 2, []byte(output))         // output
	b = pbBytes(b, 3, []byte("make "+output)) // name
	return pbBytes(b, 4, []byte(kind))        // op_type
}

// onnxValue is a ValueInfoProto of a tensor of floats.
func onnxValue(name string, rows, columns uint64) []byte {
	dim := func(n uint64) []byte { return pbBytes(nil, 1, pbNumber(nil, 1, n)) }
	tensor := pbBytes(pbNumber(nil, 1, onnxFloat), 2, append(dim(rows), dim(columns)...))
	return pbBytes(pbBytes(nil, 1, []byte(name)), 2, pbBytes(nil, 1, tensor))
}

const onnxFloat = 1 // TensorProto.DataType

// onnxWeight is a graph's field with a TensorProto, whose data follows with inline.
func onnxWeight(i int, inline bool) onnxPart {
	const initializer = 5
	t := pbNumber(pbNumber(nil, 1, width), 1, width) // dims
	t = pbNumber(t, 2, onnxFloat)                    // data_type
	t = pbBytes(t, 8, []byte(onnxWeightName(i)))     // name
	if !inline {
		// Offsets are multiples of a page's size, as programs that map the file want them.
		for _, e := range [][2]string{
			{"location", onnxData},
			{"offset", strconv.Itoa(i * onnxMatrix)},
			{"length", strconv.Itoa(onnxMatrix)},
		} {
			t = pbBytes(t, 13, pbBytes(pbBytes(nil, 1, []byte(e[0])), 2, []byte(e[1]))) // external_data
		}
		return onnxPart{front: pbBytes(nil, initializer, pbNumber(t, 14, 1))} // data_location: EXTERNAL
	}
	t = protowire.AppendTag(t, 9, protowire.BytesType) // raw_data
	t = protowire.AppendVarint(t, onnxMatrix)
	b := protowire.AppendTag(nil, initializer, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(len(t)+onnxMatrix))
	return onnxPart{append(b, t...), onnxMatrix}
}

// pbBytes appends a field with text or a message.
func pbBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

// pbNumber appends a field with a number.
func pbNumber(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}
