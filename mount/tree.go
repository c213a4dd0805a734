// SPDX-License-Identifier: Apache-2.0

package mount

import (
	iofs "io/fs"
	"path"
	"sync/atomic"
	"time"
)

// blockSize is what statfs and stat count in.
const blockSize = 4096

// Types of files in a mode, as FUSE has them on every system (sys/stat.h).
const (
	typeMask   = 0o170000
	typeFile   = 0o100000
	typeFolder = 0o040000
)

// tree is what all nodes of a mount share.
type tree struct {
	fsys    iofs.FS
	opts    Options
	root    *item
	files   uint64
	blocks  uint64
	lastIno uint64

	failures failures
	usage    usage
	reading  atomic.Int64 // requests that read, those that wait for storage among them
	ahead    atomic.Pointer[ahead]
}

// item is one file or folder as it was when the mount began. Nothing changes
// afterwards, so the kernel is answered from here.
type item struct {
	tree     *tree
	parent   *item // of the root, the root itself
	path     string
	name     string
	ino      uint64
	mode     uint32 // type and permissions
	size     uint64
	modTime  time.Time
	children []*item          // of a folder, in order
	byName   map[string]*item // of a folder
	folders  uint32           // among children

	tracked *tracked // nil until it is read, and where nothing is decrypted ahead; guarded by ahead.mu
}

// refuses reports whether names and contents are not to be shown any more.
func (t *tree) refuses() bool { return t.opts.Allow != nil && t.opts.Allow() != nil }

// newTree walks the file system once.
func newTree(fsys iofs.FS, opts Options) (*tree, error) {
	t := &tree{fsys: fsys, opts: opts}
	t.usage.start = time.Now()
	info, err := iofs.Stat(fsys, ".")
	if err == nil {
		t.root, err = t.build(".", info, nil)
	}
	return t, err
}

// build walks what lies at a path. Numbers are given in the order of the walk,
// so that they are the same at every mount and no two are equal.
func (t *tree) build(p string, info iofs.FileInfo, parent *item) (*item, error) {
	t.lastIno++
	it := &item{tree: t, parent: parent, path: p, name: path.Base(p), ino: t.lastIno, modTime: info.ModTime()}
	t.files++
	if !info.IsDir() {
		it.mode = typeFile | uint32(info.Mode().Perm()&0o555)
		it.size = uint64(info.Size()) //nolint:gosec // sizes are never negative
		t.blocks += (it.size + blockSize - 1) / blockSize
		return it, nil
	}
	if parent == nil {
		it.parent = it
	}
	it.mode = typeFolder | uint32(info.Mode().Perm()&0o555)
	entries, err := iofs.ReadDir(t.fsys, p)
	if err != nil {
		return nil, err
	}
	it.byName = make(map[string]*item, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		child, err := t.build(path.Join(p, e.Name()), info, it)
		if err != nil {
			return nil, err
		}
		it.children = append(it.children, child)
		it.byName[child.name] = child
		if info.IsDir() {
			it.folders++
		}
	}
	return it, nil
}

// bytes is the size of a file.
func (it *item) bytes() int64 { return int64(it.size) } //nolint:gosec // build has taken it from one
