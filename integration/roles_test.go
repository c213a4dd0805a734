// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
)

// tryWrites is the role "writes DIR FILE": everything that would change the
// mount DIR or its file FILE, each with the error number that it gets.
func tryWrites(args []string) (any, error) {
	dir, file := args[0], filepath.Join(args[0], args[1])
	fresh := filepath.Join(dir, "fresh")
	open := func(path string, flags int) error {
		fd, err := syscall.Open(path, flags, 0o644)
		if err == nil {
			syscall.Close(fd)
		}
		return err
	}
	results := make(map[string]syscall.Errno)
	for what, err := range map[string]error{
		"open for reading and writing": open(file, syscall.O_RDWR),
		"open for writing":             open(file, syscall.O_WRONLY),
		"open and truncate":            open(file, syscall.O_RDWR|syscall.O_TRUNC),
		"create":                       open(fresh, syscall.O_CREAT|syscall.O_WRONLY),
		"truncate":                     syscall.Truncate(file, 0),
		"chmod":                        syscall.Chmod(file, 0o777),
		"chown":                        syscall.Chown(file, os.Getuid(), os.Getgid()),
		"set times":                    syscall.Utime(file, nil),
		"remove":                       syscall.Unlink(file),
		"rename":                       syscall.Rename(file, fresh),
		"make a folder":                syscall.Mkdir(fresh, 0o755),
		"remove a folder":              syscall.Rmdir(filepath.Join(dir, "empty folder")),
		"link":                         syscall.Link(file, fresh),
		"symlink":                      syscall.Symlink(file, fresh),
		"set an attribute":             syscall.Setxattr(file, "user.test", []byte("x"), 0),
	} {
		var errno syscall.Errno
		if err != nil && !errors.As(err, &errno) {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		results[what] = errno
	}
	return results, nil
}

// failing is the role "failing FILE SIZE STEP": it reads a byte at every step
// and reports the offsets at which that fails with an input/output error.
func failing(args []string) (any, error) {
	size, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return nil, err
	}
	step, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	offsets := []int64{}
	for offset := int64(0); offset < size; offset += step {
		_, err := f.ReadAt(make([]byte, 1), offset)
		switch {
		case errors.Is(err, syscall.EIO):
			offsets = append(offsets, offset)
		case err != nil:
			return nil, err
		}
	}
	return offsets, nil
}

// probed is what the role "probe" reports of one byte.
type probed struct {
	Pread syscall.Errno // of a pread that covers the byte; 0 when it succeeded
	Fault bool          // whether touching the byte through a mapping raised SIGBUS
}

// probe is the role "probe FILE OFFSET".
func probe(args []string) (any, error) {
	offset, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var p probed
	if _, err := f.ReadAt(make([]byte, 1), offset); err != nil && !errors.As(err, &p.Pread) {
		return nil, err
	}
	area, err := syscall.Mmap(int(f.Fd()), 0, int(offset)+1, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	p.Fault = faults(area, offset)
	return p, syscall.Munmap(area)
}

// touched keeps the compiler from leaving a read out.
var touched byte

// faults tells whether reading a mapped byte ends in a fault.
func faults(area []byte, i int64) (fault bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		// The runtime's error for a bad address is the only one that knows an address.
		_, fault = recover().(interface{ Addr() uintptr })
	}()
	touched = area[i]
	return false
}

// hold is the role "hold FILE": it opens the file, prints "open", waits for a
// byte on standard input and then reports how many bytes it could read.
func hold(args []string) (any, error) {
	f, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := fmt.Println("open"); err != nil {
		return nil, err
	}
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return nil, err
	}
	return io.Copy(io.Discard, f)
}
