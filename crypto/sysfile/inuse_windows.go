// SPDX-License-Identifier: Apache-2.0

package sysfile

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

const (
	// patience is how long others may have a file open that is to be changed. What
	// looks through every new file, a scanner for viruses or an index, has it for a
	// moment; who reads a model, for hours.
	patience = 3 * time.Second
	// pause is how long an attempt waits for the next.
	pause = 10 * time.Millisecond
)

// InUse reports whether something failed because another program has the file open,
// or a part of it locked.
func InUse(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}

// OpenForChange opens a file for reading and writing. For a moment it waits for a
// program that has it open and lets nobody write.
func OpenForChange(name string) (f *os.File, err error) {
	err = insist(func() error {
		f, err = os.OpenFile(name, os.O_RDWR, 0)
		return err
	})
	return f, err
}

// Rename gives a file another name, in place of a file that has it. For a moment it
// waits for a program that has one of them open. After that InUse holds for the
// error, and both are as they were.
func Rename(from, to string) error {
	return insist(func() error {
		err := os.Rename(from, to)
		if errors.Is(err, windows.ERROR_ACCESS_DENIED) && heldOpen(to) {
			return &fs.PathError{Op: "replace", Path: to, Err: windows.ERROR_SHARING_VIOLATION}
		}
		return err
	})
}

// Remove removes a file. For a moment it waits for a program that has it open.
func Remove(name string) error {
	return insist(func() error { return os.Remove(name) })
}

// insist tries again and again while others use the file.
func insist(try func() error) error {
	for start := time.Now(); ; time.Sleep(pause) {
		if err := try(); !InUse(err) || time.Since(start) > patience {
			return err
		}
	}
}

// heldOpen reports whether another program has a file open and lets nobody remove it:
// to replace it is then refused as if the right to do so were lacking.
func heldOpen(name string) bool {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return false
	}
	h, err := windows.CreateFile(path, windows.DELETE, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS|windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return InUse(err)
	}
	windows.CloseHandle(h) //nolint:errcheck,gosec // nothing was done with it
	return false
}
