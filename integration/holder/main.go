// SPDX-License-Identifier: Apache-2.0

//go:build windows

// Command holder is a program of Windows that has a file open: holder FILE HOW. It
// says "open" and closes the file when its standard input ends. HOW is
//
//	open            as Go opens files: others may read and write
//	deny            others may read alone, as most programs of Windows have it
//	lock OFF LEN    with a part locked against writing
//	change          with the lock under which packages are changed
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/windows"
)

func main() {
	if err := hold(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hold(args []string) error {
	if len(args) < 2 {
		return errors.New("usage: holder FILE open|deny|lock OFF LEN|change")
	}
	share := uint32(windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE)
	if args[1] == "deny" {
		share = windows.FILE_SHARE_READ
	}
	path, err := windows.UTF16PtrFromString(args[0])
	if err != nil {
		return err
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		return err
	}
	switch {
	case args[1] == "lock" && len(args) == 4:
		off, err := strconv.ParseUint(args[2], 10, 32)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(args[3], 10, 32)
		if err != nil {
			return err
		}
		err = windows.LockFileEx(h, windows.LOCKFILE_FAIL_IMMEDIATELY, 0, uint32(n), 0, &windows.Overlapped{Offset: uint32(off)})
		if err != nil {
			return err
		}
	case args[1] == "change":
		// FORMAT.md, section on changes: one byte at 2^62.
		if err := windows.LockFileEx(h, windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30}); err != nil {
			return err
		}
	}
	fmt.Println("open")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err // the file is closed with the process
}
