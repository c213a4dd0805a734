// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncFile leaves the work to syncFolderTree: one call for all files is much
// faster than one for each of thousands.
func syncFile(*os.File) error { return nil }

// syncFolderTree makes everything durable on the file system that holds a folder.
func syncFolderTree(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd()))), f.Close())
}

// reserveRoom gives a file that is about to be written its size and the disk's
// blocks, so that it lies in one piece and a full disk is noticed before.
func reserveRoom(f *os.File, size int64) error {
	if size == 0 {
		return nil
	}
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINTR) {
		return nil
	}
	return os.NewSyscallError("fallocate", err)
}

// startWriteback asks the system to begin to store what was written, so that the
// sync at the end finds little left to do. Where it fails, that one does all.
func startWriteback(f *os.File, off, n int64) {
	unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE) //nolint:errcheck,gosec // see above
}
