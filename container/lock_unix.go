// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package container

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock locks the whole file, advisory, where locks of one byte that belong
// to the open file are not to be had. Readers do not ask for it to read data.
func tryLock(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

func unlock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_UN) }
