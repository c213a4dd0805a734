// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"encoding/binary"
	"unicode/utf8"
)

// ONNX is protobuf, which has no magic number: any bytes may start like one. So
// the fields of the model are followed to the end of the file, over their
// contents, and those of the graph for a while (onnx.proto of the ONNX project,
// messages ModelProto, GraphProto and OperatorSetIdProto).
const (
	maxModelFields = 1024 // there may be hundreds of functions and metadata
	maxGraphFields = 64
	maxIRVersion   = 1 << 10 // 13 in 2025
	maxNameLook    = 256
)

// Wire types of protobuf that ONNX uses at these levels.
const (
	wireVarint = 0
	wireBytes  = 2
)

// field is a field of a message: for bytes the place of its contents.
type field struct {
	number int
	wire   int
	value  uint64 // of a varint
	start  int64
	end    int64 // where the next field starts
}

// field reads the field at an offset of a message that ends at limit.
func (in *input) field(off, limit int64) (f field, ok bool) {
	b := in.bytes(off, int(min(2*binary.MaxVarintLen64, limit-off)))
	tag, n := binary.Uvarint(b)
	if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29-1 {
		return f, false
	}
	value, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return f, false
	}
	f = field{int(tag >> 3), int(tag & 7), value, off + int64(n+m), off + int64(n+m)}
	switch f.wire {
	case wireVarint:
		return f, true
	case wireBytes:
		if value > uint64(limit-f.start) { //nolint:gosec // what was read lies before limit
			return f, false
		}
		f.end += int64(value) //nolint:gosec // as above
		return f, true
	}
	return f, false
}

func isONNX(in *input) bool {
	const irVersion = 1<<3 | wireVarint // serializers write fields in their order
	if len(in.head) < 8 || in.head[0] != irVersion {
		return false
	}
	var version uint64
	graphs, opsets := 0, 0
	off := int64(0)
	for i := 0; off < in.size && i < maxModelFields; i++ {
		f, ok := in.field(off, in.size)
		if !ok {
			return false
		}
		off = f.end
		switch {
		case f.number == 1 && f.wire == wireVarint && version == 0 && f.value > 0 && f.value < maxIRVersion:
			version = f.value
		case f.number >= 2 && f.number <= 4 && f.wire == wireBytes: // producer, its version, domain
			if !in.isName(f) {
				return false
			}
		case f.number == 5 && f.wire == wireVarint, f.number == 6 && f.wire == wireBytes: // model version, remark
		case f.number == 7 && f.wire == wireBytes:
			if graphs++; graphs > 1 || !in.isGraph(f) {
				return false
			}
		case f.number == 8 && f.wire == wireBytes:
			if opsets++; !in.isOpset(f) {
				return false
			}
		case f.number > 8 && f.number < 64 && f.wire == wireBytes: // metadata, functions, and fields to come
		default:
			return false
		}
	}
	// Sets of operators are demanded from version 3 on.
	return graphs == 1 && (opsets > 0 || version < 3)
}

// isName reports whether a field is a short text.
func (in *input) isName(f field) bool {
	return f.end-f.start <= maxNameLook && utf8.Valid(in.bytes(f.start, int(f.end-f.start)))
}

// isGraph reports whether the first fields of a message are those of a graph.
func (in *input) isGraph(message field) bool {
	known := false
	off := message.start
	for i := 0; off < message.end && i < maxGraphFields; i++ {
		f, ok := in.field(off, message.end)
		if !ok || f.wire != wireBytes {
			return false
		}
		switch f.number {
		case 1, 2, 5, 11, 12: // node, name, initializer, input, output
			known = true
		case 10, 13, 14, 15, 16: // remark, value_info, quantization, sparse_initializer, metadata
		default:
			return false
		}
		off = f.end
	}
	return known
}

// isOpset reports whether a message is a domain and a version.
func (in *input) isOpset(message field) bool {
	if message.end-message.start > 2*maxNameLook {
		return false
	}
	for off := message.start; off < message.end; {
		f, ok := in.field(off, message.end)
		domain := f.number == 1 && f.wire == wireBytes && in.isName(f)
		version := f.number == 2 && f.wire == wireVarint
		if !ok || !domain && !version {
			return false
		}
		off = f.end
	}
	return true
}
