// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"io"
	"log/slog"
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
	item    *item
	tracked *tracked // nil until it is read, and where nothing is decrypted ahead
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

// Open opens the file behind a node. It never answers ENOSYS: the kernel would
// not ask again.
func (n *fileNode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		return nil, 0, syscall.EROFS
	}
	if n.item.tree.refuses() {
		return nil, 0, syscall.EACCES
	}
	f, err := n.item.tree.fsys.Open(n.item.path)
	if err != nil {
		n.item.failed(0, err)
		return nil, 0, syscall.EIO
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		f.Close() //nolint:errcheck,gosec // nothing was read
		n.item.failed(0, errNotReaderAt)
		return nil, 0, syscall.EIO
	}
	n.item.tree.usage.opened()
	return &fileHandle{tree: n.item.tree, file: f, at: at, direct: flags&syscall.O_DIRECT != 0}, fuse.FOPEN_KEEP_CACHE, 0
}

func (n *fileNode) size() int64 { return int64(n.item.size) } //nolint:gosec // bounded by what build has taken

// Read answers with bytes that are lent or fills the reply's own buffer. Whether it
// may is asked once more when the bytes are there: storage may have taken until
// after the mount was closed, and a reader that fails because it was closed tells
// nothing of the package.
func (n *fileNode) Read(_ context.Context, fh fs.FileHandle, dest []byte, off int64) (reply fuse.ReadResult, errno syscall.Errno) {
	n.item.tree.reading.Add(1) // before Allow is asked, so that none goes uncounted
	defer n.item.tree.reading.Add(-1)
	if n.item.tree.refuses() {
		return nil, syscall.EACCES
	}
	if tell := n.item.tree.opts.OnRead; tell != nil {
		defer func(began time.Time) {
			if errno == 0 {
				tell(reply.Size(), time.Since(began))
			}
		}(time.Now())
	}
	size := n.size()
	if off >= size {
		return fuse.ReadResultData(nil), 0
	}
	dest = dest[:min(int64(len(dest)), size-off)]
	h := fh.(*fileHandle)
	if l := n.lend(h, off, len(dest)); l != nil {
		if n.item.tree.refuses() {
			l.Done()
			return nil, syscall.EACCES
		}
		return l, 0
	}
	got, err := n.readAt(h, dest, off)
	if n.item.tree.refuses() {
		clear(dest)
		return nil, syscall.EACCES
	}
	if got < len(dest) {
		if err == nil || err == io.EOF { //nolint:errorlint // io.ReaderAt returns it as it is
			err = io.ErrUnexpectedEOF
		}
		n.item.failed(off, err)
		return nil, syscall.EIO
	}
	return fuse.ReadResultData(dest), 0
}

// readAt reads from an open file, or takes what was decrypted ahead.
func (n *fileNode) readAt(h *fileHandle, dest []byte, off int64) (int, error) {
	if a := n.item.tree.ahead.Load(); a.tracking(n, h) {
		return a.read(n, h, dest, off)
	}
	return h.at.ReadAt(dest, off)
}

// failed reports a read that its program sees only as an input/output error, or,
// through a mapping, as a bus error.
func (it *item) failed(off int64, err error) {
	if it.tree.failures.isNew(it.path, err.Error()) {
		it.tree.opts.Logger.Error("read refused", slog.String("file", it.path), slog.Int64("offset", off), slog.Any("reason", err))
	}
	if f := it.tree.opts.OnReadError; f != nil {
		f(it.path, off, err)
	}
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
