// SPDX-License-Identifier: Apache-2.0

// Package fs shows the contents of an opened package as an io/fs.FS.
//
// Its files are io.ReaderAt and io.Seeker, can be read by any number of
// goroutines, and give no byte that was not checked against the author's
// signature first. Nothing is held in memory but the names; closing a file
// frees nothing, and the package is closed by whoever opened it.
package fs

import (
	"errors"
	"io"
	iofs "io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tensorguard/tgsp/container"
)

// FS is the tree of files and folders of one package. It is safe for concurrent use.
type FS struct {
	reader  *container.Reader
	nodes   map[string]*node
	modTime time.Time
}

var (
	_ iofs.FS         = (*FS)(nil)
	_ iofs.ReadDirFS  = (*FS)(nil)
	_ iofs.ReadFileFS = (*FS)(nil)
	_ iofs.StatFS     = (*FS)(nil)
)

// node is a file or a folder; it is its own FileInfo and DirEntry.
type node struct {
	name     string
	file     int // number in the package's file table, or -1 for a folder
	size     int64
	mode     iofs.FileMode
	modTime  time.Time
	children []*node // of a folder, by name
}

// New builds the tree of a package. Everything in it is as old as the package.
func New(r *container.Reader) *FS {
	created := time.Unix(int64(r.Envelope().Manifest().CreatedAt), 0) //nolint:gosec // bounded by the format
	f := &FS{reader: r, nodes: make(map[string]*node, len(r.Files())+1), modTime: created}
	f.folder(".")
	for i, entry := range r.Files() {
		f.insert(entry.Path, &node{
			file: i,
			size: int64(entry.Size), //nolint:gosec // bounded by the format
			// Nobody can write, whatever the bits were where it was packed.
			mode: iofs.FileMode(entry.Mode & 0o555), // permission bits
		})
	}
	for _, name := range r.Folders() {
		f.folder(name)
	}
	for _, n := range f.nodes {
		slices.SortFunc(n.children, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	}
	return f
}

// insert adds a node and the folders above it. The format has made sure that no
// two paths collide.
func (f *FS) insert(name string, n *node) {
	n.name, n.modTime = path.Base(name), f.modTime
	f.nodes[name] = n
	if name != "." {
		parent := f.folder(path.Dir(name))
		parent.children = append(parent.children, n)
	}
}

func (f *FS) folder(name string) *node {
	n := f.nodes[name]
	if n == nil {
		n = &node{file: -1, mode: iofs.ModeDir | 0o555}
		f.insert(name, n)
	}
	return n
}

func (f *FS) lookup(op, name string) (*node, error) {
	if !iofs.ValidPath(name) {
		return nil, &iofs.PathError{Op: op, Path: name, Err: iofs.ErrInvalid}
	}
	n := f.nodes[name]
	if n == nil {
		return nil, &iofs.PathError{Op: op, Path: name, Err: iofs.ErrNotExist}
	}
	return n, nil
}

// Open opens a file, which is an io.ReaderAt and io.Seeker, or a folder, which
// is an io/fs.ReadDirFile.
func (f *FS) Open(name string) (iofs.File, error) {
	n, err := f.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if n.IsDir() {
		return &folder{node: n, path: name}, nil
	}
	c := &contents{f.reader, n.file}
	return &file{io.NewSectionReader(c, 0, n.size), c, n}, nil
}

// Stat describes a file or folder without opening it.
func (f *FS) Stat(name string) (iofs.FileInfo, error) {
	n, err := f.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return n, nil
}

// ReadDir returns a folder's entries, sorted by name.
func (f *FS) ReadDir(name string) ([]iofs.DirEntry, error) {
	n, err := f.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if !n.IsDir() {
		return nil, &iofs.PathError{Op: "readdir", Path: name, Err: errNotFolder}
	}
	return n.entries(), nil
}

// ReadFile returns a whole file.
func (f *FS) ReadFile(name string) ([]byte, error) {
	n, err := f.lookup("read", name)
	if err != nil {
		return nil, err
	}
	if n.IsDir() {
		return nil, &iofs.PathError{Op: "read", Path: name, Err: errIsFolder}
	}
	data := make([]byte, n.size)
	if _, err := (&contents{f.reader, n.file}).ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, &iofs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}
