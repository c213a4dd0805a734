// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// streamVariable names a file and makes this binary be a reader of it.
const streamVariable = "TGSP_TEST_STREAM"

// beStreamReader does with a file what it is told, a line each, and answers with a
// line.
func beStreamReader(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := int(info.Size())
	area, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	var kept []*os.File
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch what := lines.Text(); what {
		case "resident": // pages of the file in the kernel's cache
			resident := make([]byte, (size+os.Getpagesize()-1)/os.Getpagesize())
			if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&area[0])), uintptr(size), uintptr(unsafe.Pointer(&resident[0]))); errno != 0 {
				return errno
			}
			fmt.Fprintln(os.Stdout, bytes.Count(resident, []byte{1}))
		case "map": // its hash, through the mapping
			fmt.Fprintf(os.Stdout, "%x\n", sha256.Sum256(area))
		case "threads": // its hash, read by threads that share the open file
			fmt.Fprintf(os.Stdout, "%x\n", sha256.Sum256(readByThreads(f, size, 5)))
		case "direct": // half of it past the cache; the file stays open
			direct, err := os.OpenFile(name, os.O_RDONLY|unix.O_DIRECT, 0)
			if err != nil {
				return err
			}
			piece, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
			if err != nil {
				return err
			}
			for range size >> 21 {
				if _, err := io.ReadFull(direct, piece); err != nil {
					return err
				}
			}
			kept = append(kept, direct)
			fmt.Fprintln(os.Stdout, len(kept))
		case "until": // how much can be read of it
			n, err := io.Copy(io.Discard, f)
			var errno unix.Errno
			errors.As(err, &errno)
			fmt.Fprintf(os.Stdout, "%d %d\n", n, int(errno))
		}
	}
	return nil
}

func readByThreads(f *os.File, size, threads int) []byte {
	data := make([]byte, size)
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() {
			for off := size * i / threads; off < size*(i+1)/threads; {
				n, err := f.ReadAt(data[off:min(off+100_000, size*(i+1)/threads)], int64(off))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				off += n
			}
		})
	}
	wg.Wait()
	return data
}

// startStreamReader returns a function that tells a reader what to do, and its
// answer.
func startStreamReader(t *testing.T, file string) func(what string) string {
	t.Helper()
	in, out := startChild(t, streamVariable, file)
	answers := bufio.NewReader(out)
	return func(what string) string {
		t.Helper()
		if _, err := io.WriteString(in, what+"\n"); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadString('\n')
		if err != nil {
			t.Fatal(what, err)
		}
		return strings.TrimSpace(line)
	}
}
