// SPDX-License-Identifier: Apache-2.0

//go:build unix

package scan

import (
	iofs "io/fs"
	"syscall"
)

// fileID is the same for all names of a file, and for no two files.
type fileID struct {
	device, inode uint64
	path          string // where the system tells neither
}

func identify(info iofs.FileInfo, path string) fileID {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{path: path}
	}
	return fileID{device: uint64(s.Dev), inode: s.Ino} //nolint:gosec,unconvert,nolintlint // a number of another type on other systems
}
