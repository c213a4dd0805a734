// SPDX-License-Identifier: Apache-2.0

//go:build !fuse3

package mount

import (
	"log/slog"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// goFUSE is a mount through the go-fuse library.
type goFUSE struct {
	server *fuse.Server
	root   *fs.Inode
}

func newLink(place string, t *tree) (link, error) {
	root := &folderNode{item: t.root}
	server, err := fs.Mount(place, root, fuseOptions(t.root, t.opts))
	if err != nil {
		return nil, err
	}
	return &goFUSE{server, root.EmbeddedInode()}, nil
}

func fuseOptions(root *item, opts Options) *fs.Options {
	timeout := forever
	stable := root.stable()
	quiet := slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug)
	room := opts.room()
	o := &fs.Options{
		EntryTimeout: &timeout, AttrTimeout: &timeout, NegativeTimeout: &timeout,
		UID: opts.UID, GID: opts.GID, RootStableAttr: &stable, Logger: quiet,
	}
	o.MountOptions = fuse.MountOptions{
		AllowOther: opts.AllowOther, FsName: opts.FSName, Name: fsName,
		MaxWrite: room.request, MaxReadAhead: room.request, MaxBackground: room.background,
		DisableSplice: true, DisableXAttrs: true, ExtraCapabilities: fuse.CAP_ASYNC_DIO,
		ExplicitDataCacheControl: true,
		Logger:                   quiet,
	}
	if os.Geteuid() == 0 {
		o.DirectMount = true
		o.DirectMountFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
		o.Options = []string{"default_permissions"}
	} else {
		o.Options = []string{"ro", "default_permissions"}
	}
	if opts.NoExec {
		o.DirectMountFlags |= unix.MS_NOEXEC
		if !o.DirectMount {
			o.Options = append(o.Options, "noexec")
		}
	}
	return o
}

func (g *goFUSE) wait() { g.server.Wait() }

// drops is all that the kernel knows.
func (g *goFUSE) drops(pieces int64) (contents, names []drop) {
	contents = dropContents(nil, g.root, pieces)
	for _, n := range known(g.root, nil) {
		contents = dropContents(contents, n.node, pieces)
		names = append(names, func() bool { return forgotten(n.folder.NotifyEntry(n.name)) })
	}
	return contents, names
}

// forgotten reports whether the kernel has forgotten something, maybe by itself.
func forgotten(errno syscall.Errno) bool { return errno == 0 || errno == syscall.ENOENT }

// cachedName is a file or folder that the kernel knows, with its place.
type cachedName struct {
	folder *fs.Inode
	name   string
	node   *fs.Inode
}

// known lists what the kernel has looked up below a folder and not forgotten, the
// deepest first, so that no folder is dropped while its own names are.
func known(folder *fs.Inode, list []cachedName) []cachedName {
	for name, node := range folder.Children() {
		list = append(known(node, list), cachedName{folder, name, node})
	}
	return list
}

// dropContents adds the calls for a file's pages, or a folder's listing.
func dropContents(list []drop, node *fs.Inode, pieces int64) []drop {
	size := int64(0)
	if f, ok := node.Operations().(*fileNode); ok {
		size = f.item.bytes()
	}
	piece := max(pieceSize, (size+pieces-1)/pieces)
	for off := int64(0); off == 0 || off < size; off += piece {
		n := piece
		if off+piece >= size {
			n = 0 // to the end
		}
		list = append(list, func() bool { return forgotten(node.NotifyContent(off, n)) })
	}
	return list
}
