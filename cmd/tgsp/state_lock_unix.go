// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLockState locks a file of which nobody reads the contents.
func tryLockState(f *os.File, exclusive bool) error {
	how := unix.LOCK_SH
	if exclusive {
		how = unix.LOCK_EX
	}
	err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB) // descriptors are small
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errStateLocked
	}
	return err
}
