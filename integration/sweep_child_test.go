// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"
)

// compareFile is the role "same PLAIN MOUNT" for one file: all of it, and then
// a block of each leaf past the kernel's cache.
func compareFile(args []string) (any, error) {
	var c comparison
	if err := c.compareBytes(filepath.Base(args[1]), args[0], args[1]); err != nil {
		return nil, err
	}
	for off := int64(0); off < c.Bytes; off += leafPlain {
		x := extent{target{args[0], args[1], c.Bytes}, off + 4096, 4096}
		if _, err := x.check(preadDirect); err != nil {
			c.add(filepath.Base(args[1]), fmt.Sprintf("a block at %d", off), err)
		}
	}
	return &c, nil
}

// stuckReads is how many reads the role "stuck" makes at once, every fourth of
// a whole request, the others of a block in a leaf of its own. The kernel keeps
// 32 requests of such reads under way in one mount, however many programs want
// more; the next ones wait in the kernel.
const stuckReads = 24

// readStuck is the role "stuck PLAIN MOUNT" for a large file.
func readStuck(args []string) (any, error) {
	info, err := os.Stat(args[0])
	if err != nil {
		return nil, err
	}
	problems := []string{}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for i := range int64(stuckReads) {
		x := extent{target{args[0], args[1], info.Size()}, i * 6 * leafPlain, 4096}
		if i%4 == 0 {
			x.length = 1 << 20
		}
		wait.Go(func() {
			if _, err := x.check(preadDirect); err != nil {
				lock.Lock()
				defer lock.Unlock()
				problems = append(problems, fmt.Sprintf("%d bytes at %d: %v", x.length, x.offset, err))
			}
		})
	}
	wait.Wait()
	return problems, nil
}

// swept is what the role "sweep" has found.
type swept struct {
	Right   int            // leaves
	Refused map[string]int // leaves, by file
	Wrong   []string
}

// sweepWays are ways to read that give an error where there is one.
var sweepWays = map[string]func(extent) ([]byte, error){"mmap": mappedOrFault, "pread": pread, "O_DIRECT": preadDirect}

// sweep is the role "sweep WAY PLAIN MOUNT": it reads every leaf of every file
// and compares those that it gets.
func sweep(args []string) (any, error) {
	r := swept{Refused: map[string]int{}}
	return &r, filepath.WalkDir(args[1], func(plain string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(args[1], plain)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(plain)
		if err != nil {
			return err
		}
		return r.sweepFile(sweepWays[args[0]], name, target{plain, filepath.Join(args[2], name), int64(len(data))}, data)
	})
}

func (r *swept) sweepFile(read func(extent) ([]byte, error), name string, file target, data []byte) error {
	for off := int64(0); off < file.size; off += leafPlain {
		x := extent{file, off, int(min(leafPlain, file.size-off))}
		got, err := read(x)
		switch {
		case errors.Is(err, unix.EIO):
			r.Refused[name]++
		case err != nil:
			return fmt.Errorf("%s at %d: %w", name, off, err)
		case !bytes.Equal(got, data[off:off+int64(x.length)]):
			r.Wrong = append(r.Wrong, fmt.Sprintf("%s at %d", name, off))
		default:
			r.Right++
		}
	}
	return nil
}

// mappedOrFault is a read through a mapping, whose fault is an error.
func mappedOrFault(x extent) (b []byte, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if _, fault := recover().(interface{ Addr() uintptr }); fault {
			b, err = nil, unix.EIO
		}
	}()
	return mapped(x, unix.PROT_READ, unix.MAP_SHARED)
}
