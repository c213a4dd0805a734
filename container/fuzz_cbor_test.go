// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// maxCBORNesting is the limit of FORMAT.md, section 2.
const maxCBORNesting = 8

// deterministic is the rule for documents (FORMAT.md, section 2) written down a
// second time, without the library: it takes one value from the front of b and
// returns what follows, and whether the value has its one form.
func deterministic(b []byte, nesting int) (rest []byte, ok bool) {
	if len(b) == 0 || nesting > maxCBORNesting {
		return nil, false
	}
	kind, n := b[0]>>5, uint64(b[0]&31)
	if kind == 7 {
		return b[1:], n == 20 || n == 21 // booleans
	}
	b = b[1:]
	if n > 27 {
		return nil, false
	}
	if n >= 24 {
		size := 1 << (n - 24)
		if len(b) < size {
			return nil, false
		}
		var long [8]byte
		copy(long[8-size:], b[:size])
		b, n = b[size:], binary.BigEndian.Uint64(long[:])
		if size == 1 && n < 24 || size > 1 && n>>(4*size) == 0 {
			return nil, false
		}
	}
	switch kind {
	case 0:
		return b, true
	case 2, 3:
		if n > uint64(len(b)) {
			return nil, false
		}
		return b[n:], kind == 2 || utf8.Valid(b[:n])
	case 4:
		ok = nesting < maxCBORNesting
		for ; ok && n > 0; n-- {
			b, ok = deterministic(b, nesting+1)
		}
		return b, ok
	case 5:
		return deterministicMap(b, n, nesting)
	}
	return nil, false
}

func deterministicMap(b []byte, n uint64, nesting int) (rest []byte, ok bool) {
	var last []byte
	ok = nesting < maxCBORNesting
	for ; ok && n > 0; n-- {
		from := b
		if len(b) == 0 || b[0]>>5 != 3 {
			return nil, false
		}
		if b, ok = deterministic(b, nesting); !ok {
			return nil, false
		}
		key := from[:len(from)-len(b)]
		if bytes.Compare(last, key) >= 0 {
			return nil, false
		}
		last = key
		b, ok = deterministic(b, nesting+1)
	}
	return b, ok
}

// isDeterministicMap reports whether b is one map in its one form.
func isDeterministicMap(b []byte) bool {
	if len(b) == 0 || b[0]>>5 != 5 {
		return false
	}
	rest, ok := deterministic(b, 0)
	return ok && len(rest) == 0
}

// FuzzUnknownEntry compares what is taken of entries from later versions with
// the second writing of the rule.
func FuzzUnknownEntry(f *testing.F) {
	for _, e := range seedEnvelopes(f) {
		f.Add([]byte(e.doc.Recipients[0]))
		f.Add([]byte(e.doc.Signatures[0]))
	}
	deep := any(uint64(1))
	for range maxCBORNesting + 1 {
		deep = []any{deep}
		f.Add(encode(map[string]any{"type": "FUTURE", "x": deep}))
	}
	for _, v := range []any{
		map[string]any{"type": "FUTURE", "key": []byte{1}, "more": map[string]any{"a": []any{uint64(1), "x", true}}, "b": uint64(1) << 40},
		map[string]any{"x": 1.5}, map[string]any{"x": -1}, map[string]any{"x": nil}, map[int]int{1: 2}, []int{1}, map[string]any{"x": map[int]int{1: 1}},
		map[string]any{"x": cbor.Tag{Number: 1, Content: 1}}, map[string]any{"x": "\xff"}, map[string]any{},
	} {
		f.Add(encode(v))
	}
	f.Add([]byte("\xa2\x64type\x61F\x61a\x01"))
	f.Add([]byte("\xa2\x61a\x01\x61a\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		inMemory(t, len(data), func() {
			err := decodeUnknown("entry", data)
			typed(t, err)
			if want := isDeterministicMap(data); want != (err == nil) {
				t.Errorf("%x: %v, and it is deterministic: %v", data, err, want)
			}
		})
	})
}
