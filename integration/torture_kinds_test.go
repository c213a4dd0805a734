// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tortureKinds are the ways to read an extent of a mounted file. Each gives the
// bytes that are there, fewer at the file's end.
var tortureKinds = []struct {
	name string
	read func(extent) ([]byte, error)
}{
	{"pread", pread},
	{"O_DIRECT", preadDirect},
	{"MAP_SHARED", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ, unix.MAP_SHARED) }},
	{"MAP_PRIVATE", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE) }},
	{"MAP_POPULATE", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE) }},
	{"sendfile", sendfile},
}

// readAt reads an extent, to its end or the file's.
func readAt(f *os.File, x extent) ([]byte, error) {
	b := make([]byte, x.length)
	n, err := f.ReadAt(b, x.offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

func pread(x extent) ([]byte, error) {
	f, err := os.Open(x.mount)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAt(f, x)
}

// preadDirect widens the extent to whole blocks, as most file systems demand of
// such reads, and cuts the answer back.
func preadDirect(x extent) ([]byte, error) {
	const block = 4096
	fd, err := unix.Open(x.mount, unix.O_RDONLY|unix.O_DIRECT, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	start := x.offset / block * block
	size := (x.offset + int64(x.length) - start + block - 1) / block * block
	b := make([]byte, size+block)
	// The buffer must start on a block's boundary in memory as well.
	skew := -int(uintptr(unsafe.Pointer(&b[0]))) & (block - 1)
	b = b[skew : skew+int(size)]
	got := 0
	for got < len(b) {
		n, err := unix.Pread(fd, b[got:], start+int64(got))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		if got += n; got%block != 0 {
			break // the file's end
		}
	}
	front := int(x.offset - start)
	if got <= front {
		return nil, nil
	}
	return b[front:min(got, front+x.length)], nil
}

// mapped copies the extent out of a mapping of the pages around it.
func mapped(x extent, prot, flags int) ([]byte, error) {
	end := min(x.offset+int64(x.length), x.size)
	if x.offset >= end {
		return nil, nil // there is no page to map
	}
	fd, err := unix.Open(x.mount, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	page := int64(os.Getpagesize())
	start := x.offset / page * page
	area, err := unix.Mmap(fd, start, int(end-start), prot, flags)
	if err != nil {
		return nil, err
	}
	b := bytes.Clone(area[x.offset-start:])
	if prot&unix.PROT_WRITE != 0 {
		area[0]++ // a private page is copied first; the file must not feel it
	}
	return b, unix.Munmap(area)
}

// sendfile lets the kernel move the extent into a file in memory.
func sendfile(x extent) ([]byte, error) {
	f, err := os.Open(x.mount)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	memory, err := unix.MemfdCreate("sendfile", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	out := os.NewFile(uintptr(memory), "sendfile")
	defer out.Close()
	offset, end := x.offset, x.offset+int64(x.length)
	for offset < end {
		n, err := syscall.Sendfile(memory, int(f.Fd()), &offset, int(end-offset))
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return nil, err
		}
		if n == 0 && err == nil {
			break
		}
	}
	b := make([]byte, offset-x.offset)
	_, err = out.ReadAt(b, 0)
	return b, err
}
