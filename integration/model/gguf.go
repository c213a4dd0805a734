// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/binary"
	"fmt"
	"os"
)

// Numbers of the GGUF specification, version 3 (ggml's docs/gguf.md).
const (
	ggufVersion   = 3
	ggufAlignment = 32
	ggmlTypeF32   = 0 // tensor types
	ggmlTypeF16   = 1
)

// Metadata value types.
const (
	ggufUint32  = 4
	ggufInt32   = 5
	ggufFloat32 = 6
	ggufString  = 8
	ggufArray   = 9
)

// ggufPair is an entry of the metadata: a uint32, an int32, a float32, a string,
// or a list of one of these.
type ggufPair struct {
	key   string
	value any
}

// ggufTensor is a tensor of one or two dimensions, the columns first. Its bytes
// have a shape of their own: what multiplies must not be as small as weights.
type ggufTensor struct {
	name    string
	columns uint64
	rows    uint64 // 0: it has but one dimension
	kind    uint32
	bits    bits
}

func (t ggufTensor) bytes() int64 {
	size := map[uint32]uint64{ggmlTypeF32: 4, ggmlTypeF16: 2}[t.kind]
	return int64(t.columns * max(t.rows, 1) * size)
}

// gguf writes a small file with two tensors: 64x128 of F32 and 64x256 of F16.
func (w *writer) gguf(name string) {
	w.ggufFile(name, []ggufPair{
		{"general.architecture", "llama"},
		{"general.alignment", uint32(ggufAlignment)},
	}, []ggufTensor{
		{"token_embd.weight", 128, 64, ggmlTypeF32, shapes["F32"]},
		{"output.weight", 256, 64, ggmlTypeF16, shapes["F16"]},
	})
}

func (w *writer) ggufFile(name string, meta []ggufPair, tensors []ggufTensor) {
	w.create(name, 0o644, func(f *os.File) error {
		if _, err := f.Write(ggufHeader(meta, tensors)); err != nil {
			return err
		}
		s := w.newStream(name)
		for _, t := range tensors {
			if err := s.write(f, t.bytes(), t.bits); err != nil {
				return err
			}
			if _, err := f.Write(make([]byte, -t.bytes()&(ggufAlignment-1))); err != nil {
				return err
			}
		}
		return nil
	})
}

// ggufHeader ends where the tensors' data starts, aligned as the file says.
func ggufHeader(meta []ggufPair, tensors []ggufTensor) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte("GGUF"), ggufVersion)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(meta)))
	for _, m := range meta {
		kind, value := ggufValue(m.value)
		b = append(le.AppendUint32(ggufText(b, m.key), kind), value...)
	}
	var offset int64
	for _, t := range tensors {
		b = ggufText(b, t.name)
		if t.rows == 0 {
			b = le.AppendUint64(le.AppendUint32(b, 1), t.columns)
		} else {
			b = le.AppendUint64(le.AppendUint64(le.AppendUint32(b, 2), t.columns), t.rows)
		}
		b = le.AppendUint64(le.AppendUint32(b, t.kind), uint64(offset))
		offset += t.bytes() + -t.bytes()&(ggufAlignment-1)
	}
	return append(b, make([]byte, -len(b)&(ggufAlignment-1))...)
}

func ggufText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// ggufValue encodes a value of the metadata and says of which type it is.
func ggufValue(v any) (kind uint32, b []byte) {
	switch v := v.(type) {
	case string:
		return ggufString, ggufText(nil, v)
	case []string:
		return ggufArray, ggufList(ggufString, v)
	case []float32:
		return ggufArray, ggufList(ggufFloat32, v)
	case []int32:
		return ggufArray, ggufList(ggufInt32, v)
	case uint32:
		kind = ggufUint32
	case int32:
		kind = ggufInt32
	case float32:
		kind = ggufFloat32
	default:
		panic(fmt.Sprintf("no GGUF type for %T", v)) // this package's own values
	}
	b, err := binary.Append(nil, binary.LittleEndian, v)
	if err != nil {
		panic(err)
	}
	return kind, b
}

func ggufList[T any](kind uint32, list []T) []byte {
	le := binary.LittleEndian
	b := le.AppendUint64(le.AppendUint32(nil, kind), uint64(len(list)))
	for _, v := range list {
		_, one := ggufValue(v)
		b = append(b, one...)
	}
	return b
}
