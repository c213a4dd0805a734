// SPDX-License-Identifier: Apache-2.0

//go:build !fuse3

package mount

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// forever is how long the kernel may believe what it was told.
const forever = 365 * 24 * time.Hour

// folderNode and fileNode are what the kernel holds on to. Every attempt to
// change something ends in the kernel, because the mount is read-only.
type folderNode struct {
	fs.Inode
	item *item
}

type fileNode struct {
	fs.Inode
	item *item
}

var (
	_ = (fs.NodeLookuper)((*folderNode)(nil))
	_ = (fs.NodeGetattrer)((*folderNode)(nil))
	_ = (fs.NodeOpendirHandler)((*folderNode)(nil))
	_ = (fs.NodeStatfser)((*folderNode)(nil))
	_ = (fs.NodeGetattrer)((*fileNode)(nil))
	_ = (fs.NodeOpener)((*fileNode)(nil))
	_ = (fs.NodeReader)((*fileNode)(nil))
	_ = (fs.NodeStatfser)((*fileNode)(nil))
	_ = (fs.FileReaddirenter)((*folderHandle)(nil))
	_ = (fs.FileSeekdirer)((*folderHandle)(nil))
	_ = (fs.FileReleaser)((*fileHandle)(nil))
	_ = (pageCache)((*fileNode)(nil))
)

func (n *folderNode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if n.item.tree.refuses() {
		return nil, syscall.EACCES
	}
	child := n.item.byName[name]
	if child == nil {
		return nil, syscall.ENOENT
	}
	child.attr(&out.Attr)
	var node fs.InodeEmbedder = &fileNode{item: child}
	if child.byName != nil {
		node = &folderNode{item: child}
	}
	return n.NewInode(ctx, node, child.stable()), 0
}

func (n *folderNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.item.attr(&out.Attr)
	return 0
}

func (n *fileNode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	n.item.attr(&out.Attr)
	return 0
}

// OpendirHandle lets the kernel keep the listing.
func (n *folderNode) OpendirHandle(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if n.item.tree.refuses() {
		return nil, 0, syscall.EACCES
	}
	n.item.tree.usage.touch()
	return &folderHandle{folder: n.item}, fuse.FOPEN_CACHE_DIR | fuse.FOPEN_KEEP_CACHE, 0
}

// folderHandle is one listing under way.
type folderHandle struct {
	folder *item
	next   int
}

func (h *folderHandle) Readdirent(context.Context) (*fuse.DirEntry, syscall.Errno) {
	if h.folder.tree.refuses() {
		return nil, syscall.EACCES
	}
	e := h.folder.entry(h.next)
	if e != nil {
		h.next++
	}
	return e, 0
}

func (h *folderHandle) Seekdir(_ context.Context, off uint64) syscall.Errno {
	if off > uint64(len(h.folder.children)+2) {
		return syscall.EINVAL
	}
	h.next = int(off) //nolint:gosec // bounded above
	return 0
}

// errnoOf is what the kernel is told of a read that gave nothing.
func errnoOf(err error) syscall.Errno {
	if errors.Is(err, errRefused) {
		return syscall.EACCES
	}
	return syscall.EIO
}

// Open opens the file behind a node. It never answers ENOSYS: the kernel would
// not ask again.
func (n *fileNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	h, err := n.item.open(flags&syscall.O_DIRECT != 0, n)
	if err != nil {
		return nil, 0, errnoOf(err)
	}
	return &fileHandle{h}, fuse.FOPEN_KEEP_CACHE, 0
}

// fileHandle is an open file for the library.
type fileHandle struct{ *openFile }

func (h *fileHandle) Release(context.Context) syscall.Errno {
	h.release()
	return 0
}

// Read answers with bytes that are lent or fills the reply's own buffer.
func (n *fileNode) Read(_ context.Context, fh fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	l, got, err := fh.(*fileHandle).read(dest, off, true)
	switch {
	case err != nil:
		return nil, errnoOf(err)
	case l != nil:
		return lentReply{l}, 0
	}
	return fuse.ReadResultData(dest[:got]), 0
}

// store and drop reach the kernel's cache of the file.

func (n *fileNode) store(off int64, data []byte) bool { return n.WriteCache(off, data) == 0 }

func (n *fileNode) drop(off, length int64) {
	n.NotifyContent(off, length) //nolint:errcheck // what the kernel has forgotten by itself is gone
}

func (n *folderNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.item.tree.statfs(out)
}

func (n *fileNode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	return n.item.tree.statfs(out)
}

func (t *tree) statfs(out *fuse.StatfsOut) syscall.Errno {
	*out = fuse.StatfsOut{Blocks: t.blocks, Files: t.files, Bsize: blockSize, Frsize: blockSize, NameLen: 255}
	return 0
}
