// SPDX-License-Identifier: Apache-2.0

package fs

import (
	iofs "io/fs"
	"time"
)

var (
	_ iofs.FileInfo = (*node)(nil)
	_ iofs.DirEntry = (*node)(nil)
)

func (n *node) Name() string                 { return n.name }
func (n *node) Size() int64                  { return n.size }
func (n *node) Mode() iofs.FileMode          { return n.mode }
func (n *node) ModTime() time.Time           { return n.modTime }
func (n *node) IsDir() bool                  { return n.file < 0 }
func (n *node) Sys() any                     { return nil }
func (n *node) Type() iofs.FileMode          { return n.mode.Type() }
func (n *node) Info() (iofs.FileInfo, error) { return n, nil }
func (n *node) String() string               { return iofs.FormatDirEntry(n) }

func (n *node) entries() []iofs.DirEntry {
	list := make([]iofs.DirEntry, len(n.children))
	for i, child := range n.children {
		list[i] = child
	}
	return list
}
