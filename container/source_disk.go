// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io"
	"os"
	"sync"
)

// diskSource is a package in a file, with a second descriptor that reads past
// the page cache: what is decrypted from the package is cached as plaintext,
// and caching the ciphertext too would cost memory and a copy.
type diskSource struct {
	file   *os.File
	length int64

	once   sync.Once
	direct *os.File // nil where the file system refuses direct I/O
}

func newDiskSource(f *os.File, size int64) *diskSource { return &diskSource{file: f, length: size} }

func (s *diskSource) ReadAt(p []byte, off int64) (int, error) { return s.file.ReadAt(p, off) }
func (s *diskSource) size() int64                             { return s.length }

func (s *diskSource) end() int64 {
	info, err := s.file.Stat()
	if err != nil {
		return s.length
	}
	return min(info.Size(), s.length)
}

func (s *diskSource) Close() error {
	err := s.file.Close()
	s.once.Do(func() {}) // no descriptor is opened from now on
	if s.direct != nil {
		err = errors.Join(err, s.direct.Close())
	}
	return err
}

// directFile returns the descriptor for direct I/O, or nil.
func (s *diskSource) directFile() *os.File {
	s.once.Do(func() { s.direct = openDirect(s.file) })
	return s.direct
}

func (s *diskSource) readDirect(p []byte, off int64) (int, error) {
	direct := s.directFile()
	if direct == nil || !aligned(p, off) {
		return s.file.ReadAt(p, off)
	}
	n, err := direct.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		// Some file systems open for direct I/O and then want other alignments.
		return s.file.ReadAt(p, off)
	}
	return n, err
}

func (s *diskSource) tryLockShared() (func() error, error) {
	err := tryLock(s.file, false)
	if errors.Is(err, errLocked) {
		return nil, err
	}
	if err != nil {
		// A file system without locks: the second reading has to do.
		return func() error { return nil }, nil
	}
	return func() error { return unlock(s.file) }, nil
}

// readerSource is a package behind any reader.
type readerSource struct {
	io.ReaderAt
	length int64
}

func (s *readerSource) readDirect(p []byte, off int64) (int, error) { return s.ReadAt(p, off) }
func (s *readerSource) size() int64                                 { return s.length }
func (s *readerSource) end() int64                                  { return s.length }
func (s *readerSource) Close() error                                { return nil }

func (s *readerSource) tryLockShared() (func() error, error) {
	return func() error { return nil }, nil
}
