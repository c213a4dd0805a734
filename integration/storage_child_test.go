// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// trouble is something wrong with a part of the storage.
type trouble struct {
	Kind     string // "fail", "hang", "slow", "short" or "end"
	From, To int64  // reads of these bytes meet it
	N        int64  // "slow": milliseconds; "short": the most bytes that a read gives
}

// storageFile is the one file of a file system that shows another file and has
// the troubles that it is told. Nothing of it is cached by the kernel.
type storageFile struct {
	fs.Inode
	file *os.File

	mu       sync.Mutex
	troubles []trouble
	healed   chan struct{} // closed when the troubles go
	waiting  int           // reads that hang
}

var (
	_ = (fs.NodeGetattrer)((*storageFile)(nil))
	_ = (fs.NodeOpener)((*storageFile)(nil))
	_ = (fs.NodeReader)((*storageFile)(nil))
)

// serveStorage is the role "storage FILE DIR": it shows the file in DIR. Each
// line of standard input is a list of troubles that takes the place of the one
// before; the answer is how many reads hang. "null" asks without a change. It
// ends with its input.
func serveStorage(args []string) (any, error) {
	file, err := os.Open(args[0])
	if err != nil {
		return nil, err
	}
	s := &storageFile{file: file, healed: make(chan struct{})}
	root := &fs.Inode{}
	server, err := fs.Mount(args[1], root, &fs.Options{
		OnAdd: func(ctx context.Context) {
			root.AddChild(filepath.Base(args[0]), root.NewPersistentInode(ctx, s, fs.StableAttr{Mode: syscall.S_IFREG}), false)
		},
		MountOptions: fuse.MountOptions{FsName: "storage", Name: "storage", MaxWrite: 1 << 20, DisableSplice: true, DirectMount: os.Getuid() == 0},
	})
	if err != nil {
		return nil, err
	}
	orders, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var list []trouble
		if err := orders.Decode(&list); err != nil {
			if !errors.Is(err, io.EOF) {
				return nil, err
			}
			s.suffer([]trouble{})
			return "ended", server.Unmount()
		}
		if err := answers.Encode(s.suffer(list)); err != nil {
			return nil, err
		}
	}
}

// suffer replaces the troubles, unless the list is nil, and lets reads go that
// hang. It returns how many hang.
func (s *storageFile) suffer(list []trouble) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list != nil {
		s.troubles = list
		close(s.healed)
		s.healed = make(chan struct{})
		s.waiting = 0
	}
	return s.waiting
}

func (s *storageFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	var st syscall.Stat_t
	if err := syscall.Fstat(int(s.file.Fd()), &st); err != nil {
		return fs.ToErrno(err)
	}
	out.FromStat(&st)
	return 0
}

func (s *storageFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, fuse.FOPEN_DIRECT_IO, 0
}

func (s *storageFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	met, healed := s.meet(off, int64(len(dest)))
	for _, t := range met {
		switch t.Kind {
		case "fail":
			return nil, syscall.EIO
		case "hang":
			<-healed
		case "slow":
			time.Sleep(time.Duration(t.N) * time.Millisecond)
		case "short":
			dest = dest[:min(int64(len(dest)), t.N)]
		case "end":
			dest = dest[:max(0, min(int64(len(dest)), t.From-off))]
		default:
			return nil, syscall.EINVAL
		}
	}
	n, err := s.file.ReadAt(dest, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fs.ToErrno(err)
	}
	return fuse.ReadResultData(dest[:n]), 0
}

// meet returns the troubles in the way of a read, and what ends its wait.
func (s *storageFile) meet(off, n int64) (met []trouble, healed chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.troubles {
		if off >= t.To || off+n <= t.From {
			continue
		}
		met = append(met, t)
		if t.Kind == "hang" {
			s.waiting++
		}
	}
	return met, s.healed
}
