// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bufio"
	"errors"
	"io"
	"path"
	"strings"
)

// WeightsInfo is what pack found in the header of a weights file. It describes
// the file and decides nothing.
type WeightsInfo struct {
	Format     string            `cbor:"format" json:"format"` // "safetensors" or "gguf"
	Tensors    uint64            `cbor:"tensors,omitempty" json:"tensors"`
	Parameters uint64            `cbor:"parameters,omitempty" json:"parameters"`
	DTypes     map[string]uint64 `cbor:"dtypes,omitempty" json:"dtypes,omitempty"` // tensors of each type
	Problem    string            `cbor:"problem,omitempty" json:"problem,omitempty"`
}

// Bounds that keep a WeightsInfo below maxWeightsInfoBytes, so that room for it
// can be kept before the header is read.
const (
	maxWeightsInfoBytes = 1536
	maxDTypes           = 32
	maxDTypeName        = 24
	otherDTypes         = "other"
)

// Reasons why a header was not understood, for WeightsInfo.Problem.
var (
	errHeaderShort   = errors.New("the file ends in its header")
	errHeaderInvalid = errors.New("the header is not valid")
	errHeaderLarge   = errors.New("the header is larger than the format allows")
	errHeaderVersion = errors.New("the header has an unknown version")
)

// weightsSniffer reads the header of a weights file as its bytes pass.
type weightsSniffer interface {
	// Write takes the next bytes of the file. It never fails.
	io.Writer
	// Result ends the file and returns what was found.
	Result() *WeightsInfo
}

func weightsFormat(p string) (string, func(*bufio.Reader, *WeightsInfo) error) {
	switch strings.ToLower(path.Ext(p)) {
	case ".safetensors":
		return "safetensors", readSafetensors
	case ".gguf":
		return "gguf", readGGUF
	}
	return "", nil
}

// hasWeightsHeader reports whether newWeightsSniffer knows files of this name.
func hasWeightsHeader(p string) bool {
	format, _ := weightsFormat(p)
	return format != ""
}

// newWeightsSniffer returns a sniffer for a file by its name, or nil for files
// that are no weights.
func newWeightsSniffer(p string) weightsSniffer {
	format, read := weightsFormat(p)
	if read == nil {
		return nil
	}
	r, w := io.Pipe()
	s := &pipeSniffer{w: w, done: make(chan *WeightsInfo, 1)}
	go func() {
		info := &WeightsInfo{Format: format}
		if err := read(bufio.NewReader(r), info); err != nil {
			*info = WeightsInfo{Format: format, Problem: problemOf(err)}
		}
		// From here on writers are told that nobody reads.
		r.Close() //nolint:errcheck,gosec // never fails
		s.done <- info
	}()
	return s
}

// problemOf keeps foreign error texts, which may quote the file, out of packages.
func problemOf(err error) string {
	for _, known := range []error{errHeaderShort, errHeaderLarge, errHeaderVersion} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errHeaderShort.Error()
	}
	return errHeaderInvalid.Error()
}

// pipeSniffer feeds a parser that reads a stream.
type pipeSniffer struct {
	w    *io.PipeWriter
	over bool // the parser wants no more
	done chan *WeightsInfo
}

func (s *pipeSniffer) Write(p []byte) (int, error) {
	if !s.over {
		if _, err := s.w.Write(p); err != nil {
			s.over = true
		}
	}
	return len(p), nil
}

func (s *pipeSniffer) Result() *WeightsInfo {
	s.w.Close() //nolint:errcheck,gosec // never fails
	return <-s.done
}

// count adds one tensor.
func (i *WeightsInfo) count(dtype string, parameters uint64) error {
	if len(dtype) == 0 || len(dtype) > maxDTypeName {
		return errHeaderInvalid
	}
	if i.Parameters+parameters < i.Parameters {
		return errHeaderInvalid
	}
	i.Tensors++
	i.Parameters += parameters
	if i.DTypes == nil {
		i.DTypes = make(map[string]uint64)
	}
	if _, known := i.DTypes[dtype]; !known && len(i.DTypes) >= maxDTypes-1 {
		dtype = otherDTypes
	}
	i.DTypes[dtype]++
	return nil
}

// product multiplies the dimensions of a tensor.
func product(shape []uint64) (uint64, error) {
	n := uint64(1)
	for _, d := range shape {
		if d != 0 && n > 1<<62/d {
			return 0, errHeaderInvalid
		}
		n *= d
	}
	return n, nil
}
