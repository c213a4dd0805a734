// SPDX-License-Identifier: Apache-2.0

package mount

import (
	iofs "io/fs"
	"path"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// blockSize is what statfs and stat count in.
const blockSize = 4096

// tree is what all nodes of a mount share.
type tree struct {
	fsys    iofs.FS
	opts    Options
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
}

// refuses reports whether names and contents are not to be shown any more.
func (t *tree) refuses() bool { return t.opts.Allow != nil && t.opts.Allow() != nil }

// build walks the file system once. Numbers are given in the order of the walk,
// so that they are the same at every mount and no two are equal.
func (t *tree) build(p string, info iofs.FileInfo, parent *item) (*item, error) {
	t.lastIno++
	it := &item{tree: t, parent: parent, path: p, name: path.Base(p), ino: t.lastIno, modTime: info.ModTime()}
	t.files++
	if !info.IsDir() {
		it.mode = syscall.S_IFREG | uint32(info.Mode().Perm()&0o555)
		it.size = uint64(info.Size()) //nolint:gosec // sizes are never negative
		t.blocks += (it.size + blockSize - 1) / blockSize
		return it, nil
	}
	if parent == nil {
		it.parent = it
	}
	it.mode = syscall.S_IFDIR | uint32(info.Mode().Perm()&0o555)
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

// entry returns what a listing shows at a place: the folder itself, the one
// above, then the children; nil after the last.
func (it *item) entry(n int) *fuse.DirEntry {
	e := fuse.DirEntry{Off: uint64(n + 1)} //nolint:gosec // never negative
	switch {
	case n == 0:
		e.Name, e.Ino, e.Mode = ".", it.ino, it.mode
	case n == 1:
		e.Name, e.Ino, e.Mode = "..", it.parent.ino, it.parent.mode
	case n-2 < len(it.children):
		c := it.children[n-2]
		e.Name, e.Ino, e.Mode = c.name, c.ino, c.mode
	default:
		return nil
	}
	return &e
}

// attr fills what stat shows.
func (it *item) attr(out *fuse.Attr) {
	out.Ino = it.ino
	out.Mode = it.mode
	out.Size = it.size
	out.Blocks = (it.size + 511) / 512
	out.Blksize = blockSize
	out.Nlink = 1
	if it.byName != nil {
		out.Nlink = 2 + it.folders
	}
	out.Owner = fuse.Owner{Uid: it.tree.opts.UID, Gid: it.tree.opts.GID}
	out.SetTimes(&it.modTime, &it.modTime, &it.modTime)
}

func (it *item) stable() fs.StableAttr {
	return fs.StableAttr{Mode: it.mode & syscall.S_IFMT, Ino: it.ino}
}
