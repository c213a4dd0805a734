// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

const (
	// preloadReaders is how many pieces are read at a time, each of a length that is
	// worth reading ahead of.
	preloadReaders = 4
	preloadPiece   = 64 << 20
	// preloadStep is after how much of it the display and an interrupt are looked at.
	preloadStep = 4 << 20
)

// everything is the path of all that is in a package.
const everything = "."

// preload is a list of files that are to be read.
type preload struct {
	files  int
	pieces []preloadPart
	total  int64 // bytes
}

// preloadPart is a piece of a file.
type preloadPart struct {
	name     string
	off, end int64
}

// newPreload finds the files below dir, or below the paths in it.
func newPreload(dir string, paths []string) (*preload, error) {
	p, seen := new(preload), map[string]bool{}
	if len(paths) == 0 {
		paths = []string{everything}
	}
	for _, path := range paths {
		if !filepath.IsLocal(path) {
			return nil, withHint(usagef("%s: it is not a path in the package", path), "name files as tgsp ls shows them")
		}
		err := filepath.WalkDir(filepath.Join(dir, path), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || seen[name] {
				return err
			}
			seen[name] = true
			info, err := entry.Info()
			if err != nil {
				return err
			}
			p.add(name, info.Size())
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, withHint(fmt.Errorf("the package has no %s", path), "see: tgsp ls PKG")
		}
		if err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *preload) add(name string, size int64) {
	for off := int64(0); off < size; off += preloadPiece {
		p.pieces = append(p.pieces, preloadPart{name, off, min(off+preloadPiece, size)})
	}
	p.files++
	p.total += size
}

// run reads all pieces, in order, several at a time. progress may be nil.
func (p *preload) run(ctx context.Context, progress func(done, total int64)) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close() //nolint:errcheck // nothing is kept there
	group, ctx := errgroup.WithContext(ctx)
	var next, done atomic.Int64
	var shows sync.Mutex
	for range min(preloadReaders, 2*runtime.NumCPU()) {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(len(p.pieces)); i = next.Add(1) - 1 {
				err := p.pieces[i].read(ctx, null, func(n int64) {
					if sum := done.Add(n); progress != nil {
						shows.Lock()
						defer shows.Unlock()
						progress(sum, p.total)
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// read reads a piece to nowhere, which copies nothing out of the page cache.
func (p preloadPart) read(ctx context.Context, null *os.File, progress func(n int64)) error {
	f, err := os.Open(p.name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	for off := p.off; off < p.end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := unix.Sendfile(int(null.Fd()), int(f.Fd()), &off, int(min(preloadStep, p.end-off)))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return &fs.PathError{Op: "read", Path: p.name, Err: err}
		}
		progress(int64(n))
	}
	return nil
}

// availableMemory returns how much memory programs and the page cache can get
// without swapping, if the system says.
func availableMemory() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close() //nolint:errcheck // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10, true
		}
	}
	return 0, false
}
