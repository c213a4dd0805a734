// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
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
const loadPiece = 256 << 10

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
		err := l.read(int64(n) * loadPiece)
		end := time.Now()
		if err == nil {
			r.Bytes, r.Last, r.LastDone = r.Bytes+loadPiece, start.UnixNano(), end.UnixNano()
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

// lock locks as much of the file as the reader may.
func (l *loader) lock() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return 0, err
	}
	n := len(l.area)
	if os.Getuid() != 0 {
		n = int(min(uint64(n), limit.Cur))
	}
	return n, unix.Mlock(l.area[:n])
}

func (l *loader) read(off int64) (err error) {
	if l.kind == loadPread || l.kind == loadDirect {
		n, err := unix.Pread(l.fd, l.room, off)
		if err == nil && n != len(l.room) {
			err = fmt.Errorf("%d bytes", n)
		}
		return err
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = errors.New("SIGBUS")
		}
	}()
	copy(l.room, l.area[off:off+loadPiece])
	return nil
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
