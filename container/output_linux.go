// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createTemp makes a file without a name, which vanishes when the process dies,
// whatever kills it. Where the file system lacks that it gets a temporary name.
func createTemp(target string) (outputFile, error) {
	fd, err := unix.Open(filepath.Dir(target), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o644)
	switch {
	case err == nil:
		return &tempFile{File: os.NewFile(uintptr(fd), target)}, nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return createNamedTemp(target)
	}
	return nil, &os.PathError{Op: "create a file in", Path: filepath.Dir(target), Err: err}
}

// reserve allocates the blocks, so that a full disk is noticed before the work.
func (f *tempFile) reserve(size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINTR) {
		return f.Truncate(size)
	}
	return err
}

// startWriteback only asks: where it fails, the sync at the end does all.
func (f *tempFile) startWriteback(off, n int64) {
	unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE) //nolint:errcheck,gosec // see above
}

// link makes a temporary name for a file without one: a name can be given only
// where none is, so an older file is replaced by a rename. The name is random,
// so that one left behind by a crash is in nobody's way.
func (f *tempFile) link(target string) error {
	if f.temp != "" {
		return nil
	}
	temp := fmt.Sprintf("%s/.%s.%s.tmp", filepath.Dir(target), filepath.Base(target), rand.Text()[:10])
	self := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if err := unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, temp, unix.AT_SYMLINK_FOLLOW); err != nil {
		return err
	}
	f.temp = temp
	return nil
}

func (f *tempFile) rename(target string) error { return f.moveTo(target) }

func (f *tempFile) syncFolder(target string) error {
	d, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) { // some file systems cannot sync folders
		err = nil
	}
	return errors.Join(err, d.Close())
}
