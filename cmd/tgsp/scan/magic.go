// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"bytes"
	"encoding/binary"
)

// isGGUF: the ggml project's docs/gguf.md. After the magic stands a version,
// in the byte order of the file; all of the first two bytes' worth are taken, so
// that versions to come count as well.
func isGGUF(in *input) bool {
	if len(in.head) < 16 || !bytes.HasPrefix(in.head, []byte("GGUF")) {
		return false
	}
	version := in.head[4:8]
	return plausibleVersion(binary.LittleEndian.Uint32(version)) || plausibleVersion(binary.BigEndian.Uint32(version))
}

func plausibleVersion(v uint32) bool { return v > 0 && v < 1<<16 }

// TensorRT engines are not documented. That they start with ftrt (ptrt in early
// versions), a small number and 16 more bytes of header is what the model viewer
// Netron goes by (source/tensorrt.js in github.com/lutzroeder/netron), and so is
// that some exporters, such as Ultralytics', put metadata before them: the
// length as 4 bytes, little-endian, and a JSON object.
const (
	tensorRTHeader      = 24
	maxTensorRTMetadata = 1 << 20
)

func isTensorRT(in *input) bool {
	if hasTensorRTMagic(in.head) {
		return true
	}
	if len(in.head) < 5 || in.head[4] != '{' {
		return false
	}
	n := int64(binary.LittleEndian.Uint32(in.head))
	return n <= maxTensorRTMetadata && hasTensorRTMagic(in.bytes(4+n, tensorRTHeader))
}

func hasTensorRTMagic(b []byte) bool {
	if len(b) < tensorRTHeader || !bytes.HasPrefix(b, []byte("ftrt")) && !bytes.HasPrefix(b, []byte("ptrt")) {
		return false
	}
	return binary.LittleEndian.Uint32(b[4:]) < 1<<16 // text has no zeros there
}

// isTFLite: a flatbuffer with the file identifier of TensorFlow's
// lite/schema/schema.fbs. It starts with the place of the root table, which
// starts with the distance to its vtable, which starts with its own length
// (flatbuffers.dev, "FlatBuffer Internals").
func isTFLite(in *input) bool {
	if len(in.head) < 16 || string(in.head[4:8]) != "TFL3" {
		return false
	}
	root := int64(binary.LittleEndian.Uint32(in.head))
	b := in.bytes(root, 4)
	if root < 8 || len(b) < 4 {
		return false
	}
	vtable := root - int64(int32(binary.LittleEndian.Uint32(b))) //nolint:gosec // the format's signed distance
	b = in.bytes(vtable, 2)
	if len(b) < 2 {
		return false
	}
	length := int64(binary.LittleEndian.Uint16(b))
	return length >= 4 && length%2 == 0 && vtable+length <= in.size
}
