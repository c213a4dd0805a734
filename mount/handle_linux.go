// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"io"
	iofs "io/fs"
	"sync"
	"syscall"
)

// fileHandle is one open file. Many requests read from it at once, and so do jobs,
// which may outlive the last of them.
type fileHandle struct {
	tree   *tree
	file   iofs.File
	at     io.ReaderAt
	direct bool // opened with O_DIRECT

	mu       sync.Mutex
	users    int // jobs
	released bool
}

// Release closes the file when no job reads from it any more.
func (h *fileHandle) Release(context.Context) syscall.Errno {
	h.tree.usage.closed()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = true
	h.closeUnused()
	return 0
}

// use keeps the file open until unuse. It reports whether it is.
func (h *fileHandle) use() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.released {
		h.users++
	}
	return !h.released
}

func (h *fileHandle) unuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.users--
	h.closeUnused()
}

func (h *fileHandle) closeUnused() {
	if h.released && h.users == 0 {
		h.file.Close() //nolint:errcheck,gosec // only read
	}
}
