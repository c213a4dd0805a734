// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kinds of readers of the role "load".
const (
	loadPread  = "pread"
	loadDirect = "O_DIRECT"
	loadMapped = "mmap"
	loadLocked = "mlock"
)

// loadPiece is how much a reader reads at once; it takes the time for each.
const loadPiece = 64 << 10

// loadReport is what a reader has met. Times are nanoseconds since 1970.
type loadReport struct {
	Bytes    int64
	Last     int64  // when the last read began that gave bytes
	LastDone int64  // when it had ended
	Failed   int64  // when the first read had ended that did not
	Outcome  string // of that read: an error or SIGBUS
	End      int64  // when the reader let the file go
	Locked   int    // bytes that the reader had locked
	Resident int    // pages of the file that the kernel still caches in the end
	RSS      int    // kilobytes of it that the reader still has mapped
}

// load is the role "load KIND FILE": after a line of input it reads pieces of a
// file until one fails, and goes on for a while to see whether any is served
// after that. It says "warm" when it has been through the file once.
func load(args []string) (any, error) {
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return nil, err
	}
	debug.SetPanicOnFault(true) // a bus error becomes something to recover from
	l, err := newLoader(args[0], args[1])
	if err != nil {
		return nil, err
	}
	var r loadReport
	if args[0] == loadLocked {
		if r.Locked, err = l.lock(); err != nil {
			return nil, err
		}
	}
	pieces := len(l.area) / loadPiece
	for piece, again := 0, time.Duration(0); again < 1500*time.Millisecond; piece++ {
		if piece == pieces {
			fmt.Println("warm")
		}
		n := piece
		if n >= pieces {
			n = rand.IntN(pieces)
		}
		start := time.Now()
		got, err := l.read(int64(n) * loadPiece)
		end := time.Now()
		if got > 0 {
			r.Bytes, r.Last, r.LastDone = r.Bytes+int64(got), start.UnixNano(), end.UnixNano()
		}
		if err == nil {
			continue
		}
		if r.Failed == 0 {
			r.Failed, r.Outcome = end.UnixNano(), err.Error()
		}
		again = end.Sub(time.Unix(0, r.Failed))
		time.Sleep(time.Millisecond)
	}
	err = l.cached(&r)
	r.End = time.Now().UnixNano()
	return r, err
}

// loader has a file open in one way, and mapped to see what is cached of it.
type loader struct {
	kind string
	fd   int
	area []byte
	room []byte
}

func newLoader(kind, name string) (*loader, error) {
	flags := unix.O_RDONLY
	if kind == loadDirect {
		flags |= unix.O_DIRECT
	}
	fd, err := unix.Open(name, flags, 0)
	if err != nil {
		return nil, err
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, err
	}
	size := int(stat.Size) / loadPiece * loadPiece
	area, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	// Anonymous memory starts on a page, as reads with O_DIRECT want it.
	room, err := unix.Mmap(-1, 0, loadPiece, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	return &loader{kind, fd, area, room}, err
}

// lock locks the file, or as much of it as the reader may.
func (l *loader) lock() (int, error) {
	if unix.Mlock(l.area) == nil {
		return len(l.area), nil
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return 0, err
	}
	n := int(min(uint64(len(l.area)), limit.Cur))
	return n, unix.Mlock(l.area[:n])
}

// read reads a piece. Of one that is refused it may have got the front.
func (l *loader) read(off int64) (got int, err error) {
	if l.kind == loadPread || l.kind == loadDirect {
		for got < len(l.room) {
			n, err := unix.Pread(l.fd, l.room[got:], off+int64(got))
			if err == nil && n == 0 {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return got, err
			}
			got += n
		}
		return got, nil
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.New("SIGBUS")
		}
	}()
	for page := os.Getpagesize(); got < len(l.room); got += page {
		copy(l.room[got:got+page], l.area[off+int64(got):])
	}
	return got, nil
}

// cached fills in what is left of the file in memory.
func (l *loader) cached(r *loadReport) error {
	resident := make([]byte, len(l.area)/os.Getpagesize())
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&l.area[0])), uintptr(len(l.area)), uintptr(unsafe.Pointer(&resident[0]))); errno != 0 {
		return errno
	}
	r.Resident = bytes.Count(resident, []byte{1})
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	for line := uintptr(unsafe.Pointer(&l.area[0])); line < uintptr(unsafe.Pointer(&l.area[0]))+uintptr(len(l.area)); {
		// What is locked is an area of its own there.
		var to uintptr
		_, rest, found := strings.Cut(string(smaps), fmt.Sprintf("\n%x-", line))
		if _, err := fmt.Sscanf(rest, "%x", &to); !found || err != nil {
			return fmt.Errorf("the mapping at %x is not in smaps", line)
		}
		_, rest, _ = strings.Cut(rest, "Rss:")
		size := 0
		if _, err := fmt.Sscan(rest, &size); err != nil {
			return err
		}
		r.RSS += size
		line = to
	}
	return nil
}
