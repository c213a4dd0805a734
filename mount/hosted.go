// SPDX-License-Identifier: Apache-2.0

//go:build windows || (darwin && cgo) || (linux && fuse3)

package mount

import (
	"errors"
	"maps"
	"sync"

	"github.com/winfsp/cgofuse/fuse"
)

// hosted answers the library's questions. It is asked for paths, by many threads.
type hosted struct {
	readOnly
	tree  *tree
	names *foldedNames // nil where case matters
	once  sync.Once
	begun chan struct{} // closed when the library is about to serve

	mu    sync.Mutex
	files map[uint64]*openFile
	last  uint64
	seen  map[*item]struct{} // files and folders that were open, of which the system may keep contents
}

var (
	_ = (fuse.FileSystemInterface)((*hosted)(nil))
	_ = (fuse.FileSystemOpenEx)((*hosted)(nil))
	_ = (fuse.FileSystemGetpath)((*hosted)(nil))
	_ = (fuse.FileSystemChflags)((*hosted)(nil))
)

func newHosted(t *tree) *hosted {
	h := &hosted{tree: t, begun: make(chan struct{}), files: make(map[uint64]*openFile), seen: make(map[*item]struct{})}
	if ignoresCase {
		h.names = foldNames(t)
	}
	return h
}

// Init is called before the first question.
func (h *hosted) Init() { h.once.Do(func() { close(h.begun) }) }

// find returns what lies at a path, or a negative error number. The root is there
// also when nothing is shown any more: unmounting asks for it.
func (h *hosted) find(path string) (*item, int) {
	if path != "/" && h.tree.refuses() {
		return nil, -fuse.EACCES
	}
	it := h.tree.find(path, h.names)
	if it == nil {
		return nil, -fuse.ENOENT
	}
	return it, 0
}

func (h *hosted) Getattr(path string, stat *fuse.Stat_t, _ uint64) int {
	it, errc := h.find(path)
	if errc == 0 {
		h.fill(stat, it)
	}
	return errc
}

// fill writes what stat shows.
func (h *hosted) fill(stat *fuse.Stat_t, it *item) {
	at := fuse.NewTimespec(it.modTime)
	*stat = fuse.Stat_t{
		Ino: it.ino, Mode: shownMode(it), Nlink: 1, Uid: h.tree.opts.UID, Gid: h.tree.opts.GID,
		Size: it.bytes(), Blksize: blockSize, Blocks: (it.bytes() + 511) / 512,
		Atim: at, Mtim: at, Ctim: at, Birthtim: at,
	}
	if it.byName != nil {
		stat.Nlink = 2 + it.folders
		return
	}
	stat.Flags = fuse.UF_READONLY
}

// Getpath tells the spelling of a name that was found whatever its case.
func (h *hosted) Getpath(path string, _ uint64) (int, string) {
	it, errc := h.find(path)
	if errc != 0 {
		return errc, ""
	}
	return 0, shownPath(it)
}

// OpenEx opens a file, and lets the system keep its contents, which never change.
func (h *hosted) OpenEx(path string, info *fuse.FileInfo_t) int {
	if info.Flags&fuse.O_ACCMODE != fuse.O_RDONLY {
		return -fuse.EROFS
	}
	it, errc := h.find(path)
	if errc != 0 {
		return errc
	}
	if it.byName != nil {
		return -fuse.EISDIR
	}
	f, err := it.open(info.Flags&directFlag != 0, nil)
	if err != nil {
		return number(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	h.files[h.last] = f
	h.seen[it] = struct{}{}
	info.Fh, info.KeepCache = h.last, true
	return 0
}

// number is what the system is told of a read that gave nothing.
func number(err error) int {
	if errors.Is(err, errRefused) {
		return -fuse.EACCES
	}
	return -fuse.EIO
}

// file returns an open file, or nil.
func (h *hosted) file(fh uint64) *openFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.files[fh]
}

// Read fills the front of buf. Less than all of it is the end of the file.
func (h *hosted) Read(_ string, buf []byte, off int64, fh uint64) int {
	f := h.file(fh)
	if f == nil {
		return -fuse.EBADF
	}
	_, n, err := f.read(buf, off, false)
	if err != nil {
		return number(err)
	}
	return n
}

func (h *hosted) Release(_ string, fh uint64) int {
	h.mu.Lock()
	f := h.files[fh]
	delete(h.files, fh)
	h.mu.Unlock()
	if f != nil {
		f.release()
	}
	return 0
}

// asked returns the files and folders of which the system may keep contents.
func (h *hosted) asked() map[*item]struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.seen)
}

// shownPath is the path by which the library knows an item.
func shownPath(it *item) string {
	if it.path == "." {
		return "/"
	}
	return "/" + it.path
}
