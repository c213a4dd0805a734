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
	{"preadv", preadv},
	{"O_DIRECT", preadDirect},
	{"MAP_SHARED", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ, unix.MAP_SHARED) }},
	{"MAP_PRIVATE", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE) }},
	{"MAP_POPULATE", func(x extent) ([]byte, error) { return mapped(x, unix.PROT_READ, unix.MAP_SHARED|unix.MAP_POPULATE) }},
	{"sendfile", func(x extent) ([]byte, error) { return moved(x, sendfile) }},
	{"copy_file_range", func(x extent) ([]byte, error) { return moved(x, copyFileRange) }},
	{"readahead", func(x extent) ([]byte, error) { return announced(x, readahead) }},
	{"WILLNEED", func(x extent) ([]byte, error) { return announced(x, advice(unix.FADV_WILLNEED)) }},
	// Drops the pages of this file alone, which needs no root.
	{"DONTNEED", func(x extent) ([]byte, error) { return announced(x, advice(unix.FADV_DONTNEED)) }},
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

// preadv reads the extent into several buffers, of which all but the last are so
// small or odd that pages and requests are cut in their middle.
func preadv(x extent) ([]byte, error) {
	f, err := os.Open(x.mount)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, x.length)
	for got := 0; got < len(b); {
		var parts [][]byte
		rest := b[got:]
		for _, n := range []int{1, 4095, 20_001, len(rest) / 3} {
			n = min(n, len(rest))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		n, err := unix.Preadv(int(f.Fd()), append(parts, rest), x.offset+int64(got))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return b[:got], nil
		}
		got += n
	}
	return b, nil
}

// announced reads the extent after telling the kernel about it.
func announced(x extent, tell func(fd int, x extent) error) ([]byte, error) {
	f, err := os.Open(x.mount)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := tell(int(f.Fd()), x); err != nil {
		return nil, err
	}
	return readAt(f, x)
}

func advice(kind int) func(int, extent) error {
	return func(fd int, x extent) error { return unix.Fadvise(fd, x.offset, int64(x.length), kind) }
}

// readahead has no function in the library for system calls.
func readahead(fd int, x extent) error {
	if _, _, errno := unix.Syscall(unix.SYS_READAHEAD, uintptr(fd), uintptr(x.offset), uintptr(x.length)); errno != 0 {
		return errno
	}
	return nil
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

// moved lets the kernel move the extent into a file in memory.
func moved(x extent, move func(out, in int, offset *int64, n int) (int, error)) ([]byte, error) {
	f, err := os.Open(x.mount)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	memory, err := unix.MemfdCreate("moved", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	out := os.NewFile(uintptr(memory), "moved")
	defer out.Close()
	offset, end := x.offset, x.offset+int64(x.length)
	for offset < end {
		n, err := move(memory, int(f.Fd()), &offset, int(end-offset))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
	}
	b := make([]byte, offset-x.offset)
	_, err = out.ReadAt(b, 0)
	return b, err
}

func sendfile(out, in int, offset *int64, n int) (int, error) {
	return syscall.Sendfile(out, in, offset, n)
}

// copyFileRange goes on by splice where the kernel does not copy from one file
// system to another, as Linux before 5.3 and after 5.18 does not.
func copyFileRange(out, in int, offset *int64, n int) (int, error) {
	got, err := unix.CopyFileRange(in, offset, out, nil, n, 0)
	if !errors.Is(err, unix.EXDEV) {
		return got, err
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return 0, err
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	into, err := unix.Splice(in, offset, pipe[1], nil, n, 0)
	if err != nil {
		return 0, err
	}
	for left := into; left > 0; {
		n, err := unix.Splice(pipe[0], nil, out, nil, int(left), 0)
		if err != nil {
			return 0, err
		}
		left -= n
	}
	return int(into), nil
}
