// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// uncachedFile reads a file from front to end and leaves nothing of it in the
// system's page cache that was not there before: what is packed is large, and other
// programs' files would have to go for it. Linux can do that since 6.14, with most
// file systems; elsewhere it reads as others do.
type uncachedFile struct {
	file *os.File
	off  int64
	not  bool // what lies under the file cannot do it
}

func (u *uncachedFile) Read(p []byte) (n int, err error) {
	if !u.not {
		n, err = unix.Preadv2(int(u.file.Fd()), [][]byte{p}, u.off, unix.RWF_DONTCACHE)
		switch {
		case errors.Is(err, unix.EINTR):
			return 0, nil
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
			u.not = true
		case err != nil:
			return 0, &os.PathError{Op: "read", Path: u.file.Name(), Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
	}
	if u.not {
		n, err = u.file.ReadAt(p, u.off)
		if n > 0 {
			err = nil
		}
	}
	u.off += int64(n)
	return n, err
}
