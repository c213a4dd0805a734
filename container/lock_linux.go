// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock uses locks of the open file description, not of the process: those
// would vanish as soon as any other descriptor of the package is closed.
func tryLock(f *os.File, exclusive bool) error {
	kind := int16(unix.F_RDLCK)
	if exclusive {
		kind = unix.F_WRLCK
	}
	err := setLock(f, kind)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return errLocked
	}
	return err
}

func unlock(f *os.File) error { return setLock(f, unix.F_UNLCK) }

func setLock(f *os.File, kind int16) error {
	l := unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: lockOffset, Len: 1}
	return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &l)
}
