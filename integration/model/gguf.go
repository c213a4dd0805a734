// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/binary"
	"os"
)

// Numbers of the GGUF specification, version 3 (ggml's docs/gguf.md).
const (
	ggufVersion    = 3
	ggufAlignment  = 32
	ggufTypeUint32 = 4 // metadata value types
	ggufTypeString = 8
	ggmlTypeF32    = 0 // tensor types
	ggmlTypeF16    = 1
)

// gguf writes a small file with two tensors: 64x128 of F32 and 64x256 of F16.
func (w *writer) gguf(name string) {
	w.create(name, 0o644, func(f *os.File) error {
		h := ggufHeader()
		if _, err := f.Write(h); err != nil {
			return err
		}
		s := w.newStream(name)
		if err := s.write(f, 64*128*4, shapes["F32"]); err != nil {
			return err
		}
		return s.write(f, 64*256*2, shapes["F16"])
	})
}

// ggufHeader ends where the tensors' data starts, aligned as the file says.
func ggufHeader() []byte {
	le := binary.LittleEndian
	str := func(b []byte, s string) []byte {
		return append(le.AppendUint64(b, uint64(len(s))), s...)
	}
	b := []byte("GGUF")
	b = le.AppendUint32(b, ggufVersion)
	b = le.AppendUint64(b, 2) // tensors
	b = le.AppendUint64(b, 2) // metadata pairs

	b = le.AppendUint32(str(b, "general.architecture"), ggufTypeString)
	b = str(b, "llama")
	b = le.AppendUint32(str(b, "general.alignment"), ggufTypeUint32)
	b = le.AppendUint32(b, ggufAlignment)

	info := func(name string, columns, rows uint64, kind uint32, offset uint64) {
		b = le.AppendUint32(str(b, name), 2) // dimensions
		b = le.AppendUint64(le.AppendUint64(b, columns), rows)
		b = le.AppendUint64(le.AppendUint32(b, kind), offset)
	}
	info("token_embd.weight", 128, 64, ggmlTypeF32, 0)
	info("output.weight", 256, 64, ggmlTypeF16, 64*128*4)
	return append(b, make([]byte, -len(b)&(ggufAlignment-1))...)
}
