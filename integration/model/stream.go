// SPDX-License-Identifier: Apache-2.0

package model

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
)

// bits shape random words into numbers of a type: a word becomes word&and|or.
// With a fixed exponent every float is finite and of ordinary size, as weights
// are, so that a framework may compute with them.
type bits struct{ and, or uint64 }

// shapes by the names that safetensors gives to its types.
var shapes = map[string]bits{
	"F32":  {0x807fffff807fffff, 0x3c0000003c000000},
	"F16":  {0x83ff83ff83ff83ff, 0x2000200020002000},
	"BF16": {0x807f807f807f807f, 0x3c003c003c003c00},
	"I64":  {0x000000000000ffff, 0},
}

// stream is a sequence of pseudo-random bytes that belongs to one file.
type stream struct {
	rng *rand.ChaCha8
	buf []byte
}

// newStream derives the sequence from the seed and the file's path.
func (w *writer) newStream(name string) *stream {
	key := sha256.Sum256(binary.LittleEndian.AppendUint64([]byte(name), w.seed))
	return &stream{rng: rand.NewChaCha8(key), buf: w.buf}
}

// write puts the next n bytes of the sequence into w, shaped by b.
func (s *stream) write(w io.Writer, n int64, b bits) error {
	for n > 0 {
		part := s.buf[:min(n, int64(len(s.buf)))]
		// Whole words are drawn even for the last few bytes: the buffer is long enough.
		for i := 0; i < len(part); i += 8 {
			binary.LittleEndian.PutUint64(s.buf[i:], s.rng.Uint64()&b.and|b.or)
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
		n -= int64(len(part))
	}
	return nil
}
