// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func tryLock(f *os.File, exclusive bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	return lockPart(f, flags, lockOffset, 1)
}

func lockPart(f *os.File, flags uint32, off, n int64) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, uint32(n), 0, place(off)) //nolint:gosec // a byte, or two slots
	if keptOut(err) {
		return errLocked
	}
	return err
}

func unlock(f *os.File) error { return unlockPart(f, lockOffset, 1) }

func unlockPart(f *os.File, off, n int64) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, uint32(n), 0, place(off)) //nolint:gosec // see lockPart
}

func place(off int64) *windows.Overlapped {
	return &windows.Overlapped{Offset: uint32(off & 0xffffffff), OffsetHigh: uint32(off >> 32)} //nolint:gosec // its two halves
}

// keptOut reports whether a lock of another program forbids what was tried.
func keptOut(err error) bool { return errors.Is(err, windows.ERROR_LOCK_VIOLATION) }

// lockForWriting locks a part of a file that is about to be written, waiting for
// others' locks: one that appears between two writes would leave the change half
// done. It returns ErrBusy where a lock stays, and then nothing was written.
func lockForWriting(f *os.File, off, n int64) (release func(), err error) {
	for p := (patience{}); ; {
		err := lockPart(f, windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, off, n)
		if err == nil {
			return func() { unlockPart(f, off, n) }, nil //nolint:errcheck,gosec // closing the file does it too
		}
		if errors.Is(err, errLocked) {
			err = p.wait(0)
		}
		if err != nil {
			return nil, err
		}
	}
}
