// SPDX-License-Identifier: Apache-2.0

// Package scan finds model weights by what is in files, never by their names,
// and walks the folders that hold them. It prints nothing and believes nothing:
// a package that it finds has to be opened to say whose it is.
package scan

import (
	"errors"
	"io"

	"github.com/tensorguard/tgsp/container"
)

// Kind is the format of a weights file.
type Kind string

// The formats that Detect knows. The names are stable: programs read them.
const (
	None          Kind = ""
	TGSP          Kind = "tgsp" // calls itself a package; container.OpenFile says whether it is one
	Safetensors   Kind = "safetensors"
	GGUF          Kind = "gguf"
	ONNX          Kind = "onnx"
	PyTorchZip    Kind = "pytorch-zip"    // torch.save, TorchScript and torch.export
	PyTorchPickle Kind = "pytorch-pickle" // torch.save before 1.6, and plain pickles of tensors
	TensorRT      Kind = "tensorrt"
	TFLite        Kind = "tflite"
)

// headSize is how much of every file is read. Only a file that starts like a
// format which needs a closer look costs more.
const headSize = 4096

// formats are tried in this order. The first have magic numbers; the last two
// are told by their structure.
var formats = []struct {
	kind Kind
	is   func(*input) bool
}{
	{TGSP, func(in *input) bool { return container.HasMagic(in.head) }},
	{GGUF, isGGUF},
	{PyTorchZip, isPyTorchZip},
	{PyTorchPickle, isPyTorchPickle},
	{TensorRT, isTensorRT},
	{TFLite, isTFLite},
	{Safetensors, isSafetensors},
	{ONNX, isONNX},
}

// Detect tells the format of a file of size bytes, or None for a file that
// holds no weights that it knows. It reads the head of the file, of ZIP files
// also the directory, and never more than a bounded part. The error is one of
// reading.
func Detect(r io.ReaderAt, size int64) (Kind, error) {
	in := &input{r: r, size: size}
	in.head = in.bytes(0, headSize)
	kind := None
	for _, f := range formats {
		if in.err == nil && f.is(in) {
			kind = f.kind
			break
		}
	}
	if in.err != nil {
		return None, in.err
	}
	return kind, nil
}

// input is a file that is looked at. It remembers the first error of reading,
// so that the formats need not tell a short file from a broken disk.
type input struct {
	r    io.ReaderAt
	size int64
	head []byte
	err  error
}

// ReadAt implements io.ReaderAt.
func (in *input) ReadAt(p []byte, off int64) (int, error) {
	n, err := in.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) && in.err == nil {
		in.err = err
	}
	return n, err
}

// bytes returns n bytes from an offset, or fewer where the file ends. Those of
// the head are not read again.
func (in *input) bytes(off int64, n int) []byte {
	if off < 0 || off >= in.size {
		return nil
	}
	n = int(min(int64(n), in.size-off))
	if off+int64(n) <= int64(len(in.head)) {
		return in.head[off:][:n]
	}
	p := make([]byte, n)
	n, _ = in.ReadAt(p, off) // which keeps the error
	return p[:n]
}
