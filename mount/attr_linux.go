// SPDX-License-Identifier: Apache-2.0

//go:build !fuse3

package mount

import (
	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

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
	return fs.StableAttr{Mode: it.mode & typeMask, Ino: it.ino}
}
