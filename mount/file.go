// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"errors"
	"io"
	iofs "io/fs"
	"log/slog"
	"sync"
	"time"
)

var (
	errNotReaderAt = errors.New("the file cannot be read at offsets")

	// errRefused and errFailed are all that a program may know of a read that gave it
	// nothing: it was not allowed, or it went wrong, of which the log says more.
	errRefused = errors.New("refused")
	errFailed  = errors.New("failed")
)

// pageCache is the system's cache of one file, where it can be reached.
type pageCache interface {
	// store puts bytes into it, and reports whether it has them.
	store(off int64, data []byte) bool
	// drop takes bytes out of it.
	drop(off, n int64)
}

// openFile is one open file. Many requests read from it at once, and so do jobs,
// which may outlive the last of them.
type openFile struct {
	item   *item
	file   iofs.File
	at     io.ReaderAt
	cache  pageCache // nil where it cannot be reached
	direct bool      // opened with O_DIRECT

	mu       sync.Mutex
	users    int // jobs
	released bool
}

// open opens a file for reading. It returns errRefused or errFailed.
func (it *item) open(direct bool, cache pageCache) (*openFile, error) {
	if it.tree.refuses() {
		return nil, errRefused
	}
	f, err := it.tree.fsys.Open(it.path)
	if err != nil {
		it.failed(0, err)
		return nil, errFailed
	}
	at, ok := f.(io.ReaderAt)
	if !ok {
		f.Close() //nolint:errcheck,gosec // nothing was read
		it.failed(0, errNotReaderAt)
		return nil, errFailed
	}
	it.tree.usage.opened()
	return &openFile{item: it, file: f, at: at, cache: cache, direct: direct}, nil
}

// read answers a request: with bytes that are lent, where the caller can take
// those, or by filling the front of dest, as much as the file has. It returns
// errRefused or errFailed. Whether it may is asked once more when the bytes are there:
// storage may have taken until after the mount was closed, and a reader that fails
// because it was closed tells nothing of the package.
func (h *openFile) read(dest []byte, off int64, lent bool) (l *loan, n int, err error) {
	t := h.item.tree
	t.reading.Add(1) // before Allow is asked, so that none goes uncounted
	defer t.reading.Add(-1)
	if t.refuses() {
		return nil, 0, errRefused
	}
	if tell := t.opts.OnRead; tell != nil {
		defer func(began time.Time) {
			if err == nil {
				tell(n, time.Since(began))
			}
		}(time.Now())
	}
	size := h.item.bytes()
	if off >= size {
		return nil, 0, nil
	}
	dest = dest[:min(int64(len(dest)), size-off)]
	if lent {
		if l := h.lend(off, len(dest)); l != nil {
			if t.refuses() {
				l.done()
				return nil, 0, errRefused
			}
			return l, l.size, nil
		}
	}
	got, err := h.readAt(dest, off)
	if t.refuses() {
		clear(dest)
		return nil, 0, errRefused
	}
	if got < len(dest) {
		if err == nil || err == io.EOF { //nolint:errorlint // io.ReaderAt returns it as it is
			err = io.ErrUnexpectedEOF
		}
		h.item.failed(off, err)
		return nil, 0, errFailed
	}
	return nil, got, nil
}

// readAt reads from the file, or takes what was decrypted ahead.
func (h *openFile) readAt(dest []byte, off int64) (int, error) {
	if a := h.item.tree.ahead.Load(); a.tracking(h) {
		return a.read(h, dest, off)
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

// release closes the file when no job reads from it any more.
func (h *openFile) release() {
	h.item.tree.usage.closed()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	h.closeUnused()
}

// use keeps the file open until unuse. It reports whether it is.
func (h *openFile) use() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.released {
		h.users++
	}
	return !h.released
}

func (h *openFile) unuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
	h.closeUnused()
}

func (h *openFile) closeUnused() {
	if h.released && h.users == 0 {
		h.file.Close() //nolint:errcheck,gosec // only read
	}
}
