// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample reads a file that a real program has made; testdata/make.py has how.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	check(t, err)
	return data
}

func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func safetensors(header string, data int) []byte {
	return join(u64(uint64(len(header))), []byte(header), make([]byte, data))
}

const tensorHeader = `{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}   `

func gguf(version uint32) []byte {
	return join([]byte("GGUF"), u32(version), u64(1), u64(0), make([]byte, 100))
}

// tensorRT is a header as Netron reads it.
func tensorRT(magic string) []byte {
	return join([]byte(magic), u32(0), u32(239), u32(0), u64(100), make([]byte, 100))
}

func wrapped(metadata string, engine []byte) []byte {
	return join(u32(uint32(len(metadata))), []byte(metadata), engine)
}

// tflite is a flatbuffer: place of the root, identifier, vtable of one field, root.
func tflite() []byte {
	return join(u32(16), []byte("TFL3"), []byte{0, 0, 6, 0, 8, 0, 4, 0}, u32(6), u32(3))
}

// message adds fields of protobuf: numbers and bytes.
type message []byte

func (m message) number(field int, value uint64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), value)
}

func (m message) bytes(field int, value []byte) message {
	m = binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3|2), uint64(len(value)))
	return append(m, value...)
}

func onnxGraph() message {
	return message(nil).bytes(1, []byte("node")).bytes(2, []byte("name")).bytes(5, make([]byte, 10_000)).bytes(11, nil).bytes(12, nil)
}

var onnxOpset = message(nil).bytes(1, nil).number(2, 17)

func onnx() message {
	return message(nil).number(1, 10).bytes(2, []byte("pytorch")).bytes(3, []byte("2.4")).number(5, 1).bytes(6, make([]byte, 5000)).
		bytes(7, onnxGraph()).bytes(8, onnxOpset).bytes(14, []byte("metadata"))
}

// zipped makes a ZIP file of empty entries.
func zipped(t testing.TB, comment string, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		_, err := w.CreateHeader(&zip.FileHeader{Name: name}) // not compressed, as PyTorch's
		check(t, err)
	}
	check(t, w.SetComment(comment))
	check(t, w.Close())
	return b.Bytes()
}

func manyNames(n int, more ...string) []string {
	names := make([]string, n, n+len(more))
	for i := range names {
		names[i] = "m/data/" + string(rune('a'+i%26))
	}
	return append(names, more...)
}

// longNames are as long as names in a ZIP file can be.
func longNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "m/" + strings.Repeat("x", zipMaxRecord-2)
	}
	return names
}
