// SPDX-License-Identifier: Apache-2.0

package fs

import (
	"errors"
	"io"
	iofs "io/fs"

	"github.com/tensorguard/tgsp/container"
)

var (
	errIsFolder  = errors.New("is a folder")
	errNotFolder = errors.New("not a folder")
)

// contents is one file of a package as an io.ReaderAt.
type contents struct {
	reader *container.Reader
	file   int
}

func (c *contents) ReadAt(p []byte, off int64) (int, error) {
	return c.reader.ReadFileAt(c.file, p, off)
}

// file is an open file. Reading at offsets needs no lock; Read and Seek share a
// position and belong to one goroutine at a time, as with os.File.
type file struct {
	*io.SectionReader
	contents *contents
	node     *node
}

var (
	_ io.ReaderAt = (*file)(nil)
	_ io.Seeker   = (*file)(nil)
)

// Lend gives n bytes from an offset on in pieces, without a copy, until done is
// called. It gives none where ReadAt is the way, see container.Reader.ViewFileAt.
func (f *file) Lend(off int64, n int) (pieces [][]byte, done func()) {
	v := f.contents.reader.ViewFileAt(f.contents.file, off, n)
	if v == nil {
		return nil, nil
	}
	return v.Pieces(), v.Release
}

func (f *file) Stat() (iofs.FileInfo, error) { return f.node, nil }
func (f *file) Close() error                 { return nil }

// folder is an open folder.
type folder struct {
	node *node
	path string
	next int
}

var _ iofs.ReadDirFile = (*folder)(nil)

func (d *folder) Stat() (iofs.FileInfo, error) { return d.node, nil }
func (d *folder) Close() error                 { return nil }

func (d *folder) Read([]byte) (int, error) {
	return 0, &iofs.PathError{Op: "read", Path: d.path, Err: errIsFolder}
}

// ReadDir returns the next n entries, or all that are left for n <= 0.
func (d *folder) ReadDir(n int) ([]iofs.DirEntry, error) {
	rest := d.node.entries()[d.next:]
	if n <= 0 {
		d.next += len(rest)
		return rest, nil
	}
	if len(rest) == 0 {
		return nil, io.EOF
	}
	rest = rest[:min(n, len(rest))]
	d.next += len(rest)
	return rest, nil
}
