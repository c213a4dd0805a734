// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"sync"
	"testing/fstest"
)

const (
	streamedSize = 24<<20 + 4096 + 17
	// asUser leaves the kernel's read-ahead as it is, as for a user.
	asUser = -1
)

// streamedFS has one large file "f", and counts how it is read.
type streamedFS struct {
	iofs.FS
	data []byte

	mu       sync.Mutex
	calls    int
	bytes    int64
	largest  int
	bad      int64 // what cannot be read begins here; 0 for nowhere
	each     func(off int64)
	useAfter bool // it was read when it was closed
}

func newStreamedFS() *streamedFS {
	data := make([]byte, streamedSize)
	for i := 0; i+8 <= len(data); i += 8 {
		binary.LittleEndian.PutUint64(data[i:], uint64(i)*0x9e3779b97f4a7c15)
	}
	return &streamedFS{FS: fstest.MapFS{"f": {Data: data}}, data: data}
}

func (s *streamedFS) Open(name string) (iofs.File, error) {
	f, err := s.FS.Open(name)
	if err != nil || name == "." {
		return f, err
	}
	return &streamedFile{File: f, fs: s}, nil
}

func (s *streamedFS) sum() string { return fmt.Sprintf("%x", sha256.Sum256(s.data)) }

type streamedFile struct {
	iofs.File
	fs     *streamedFS
	closed bool
}

func (f *streamedFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.closed = true
	return f.File.Close()
}

func (f *streamedFile) ReadAt(p []byte, off int64) (int, error) {
	s := f.fs
	s.mu.Lock()
	s.calls++
	s.bytes += int64(len(p))
	s.largest = max(s.largest, len(p))
	s.useAfter = s.useAfter || f.closed
	bad, each := s.bad, s.each
	s.mu.Unlock()
	if each != nil {
		each(off)
	}
	if bad > 0 && off+int64(len(p)) > bad {
		return copy(p, s.data[min(off, bad):bad]), errors.New("bad bytes")
	}
	n := copy(p, s.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
