// SPDX-License-Identifier: Apache-2.0

//go:build windows || (darwin && cgo) || (linux && fuse3)

package mount

import "github.com/winfsp/cgofuse/fuse"

// Opendir counts: who works in a folder uses the mount. The root can always be
// opened, by which a mount is seen to be there, and is listed when Allow lets it.
func (h *hosted) Opendir(path string) (int, uint64) {
	it, errc := h.find(path)
	switch {
	case errc != 0:
		return errc, 0
	case it.byName == nil:
		return -fuse.ENOTDIR, 0
	}
	h.tree.usage.opened()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen[it] = struct{}{}
	return 0, 0
}

func (h *hosted) Releasedir(string, uint64) int {
	h.tree.usage.closed()
	return 0
}

// Readdir lists a folder at once, with what stat shows.
func (h *hosted) Readdir(path string, fill func(name string, stat *fuse.Stat_t, off int64) bool, _ int64, _ uint64) int {
	it, errc := h.find(path)
	if errc != 0 {
		return errc
	}
	if h.tree.refuses() {
		return -fuse.EACCES
	}
	var stat fuse.Stat_t
	give := func(name string, it *item) bool {
		h.fill(&stat, it)
		return fill(name, &stat, 0)
	}
	if !give(".", it) || !give("..", it.parent) {
		return 0
	}
	for _, child := range it.children {
		if !give(child.name, child) {
			break
		}
	}
	return 0
}

func (h *hosted) Statfs(_ string, stat *fuse.Statfs_t) int {
	*stat = fuse.Statfs_t{Bsize: blockSize, Frsize: blockSize, Blocks: h.tree.blocks, Files: h.tree.files, Namemax: 255}
	return 0
}
