// SPDX-License-Identifier: Apache-2.0

//go:build linux && !fuse3

package mount

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"
)

// lendingFS has one file, f, which lends what is asked for at multiples of a piece.
// It is too small to be decrypted ahead, so it lends to users' mounts as well.
type lendingFS struct {
	iofs.FS
	data []byte

	mu          sync.Mutex
	lent, out   int
	beforeReply func()
}

type lendingFile struct {
	iofs.File
	io.ReaderAt
	fs *lendingFS
}

func newLendingFS() *lendingFS {
	data := newStreamedFS().data[:jobSize-lentPiece/2]
	return &lendingFS{FS: fstest.MapFS{"f": {Data: data}}, data: data}
}

const lentPiece = 16 << 10

func (f *lendingFS) Open(name string) (iofs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name == "." {
		return file, err
	}
	return &lendingFile{file, file.(io.ReaderAt), f}, nil
}

func (f *lendingFile) Lend(off int64, n int) ([][]byte, func()) {
	if off%lentPiece != 0 || n%lentPiece != 0 {
		return nil, nil
	}
	var pieces [][]byte
	for at := 0; at < n; at += lentPiece {
		piece := make([]byte, lentPiece+1)[1:] // at odd places, as plaintext between tags is
		if _, err := f.ReadAt(piece, off+int64(at)); err != nil {
			return nil, nil
		}
		pieces = append(pieces, piece)
	}
	f.fs.count(1, 1)
	if f.fs.beforeReply != nil {
		f.fs.beforeReply()
	}
	return pieces, sync.OnceFunc(func() {
		f.fs.count(0, -1)
		for _, p := range pieces {
			clear(p)
		}
	})
}

func (f *lendingFS) count(lent, out int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lent += lent
	f.out += out
}

// awaitReturn makes sure that all that was lent came back, and says how often
// something was.
func (f *lendingFS) awaitReturn(t *testing.T) int {
	t.Helper()
	for range 5000 {
		f.mu.Lock()
		lent, out := f.lent, f.out
		f.mu.Unlock()
		if out == 0 {
			return lent
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("what was lent did not come back")
	return 0
}

// TestLentBytesAreTheReply reads a file that lends its bytes, and one that could but
// is read at places where it does not.
func TestLentBytesAreTheReply(t *testing.T) {
	fsys := newLendingFS()
	s := serve(t, fsys, Options{})
	want := fmt.Sprintf("%x", sha256.Sum256(fsys.data))
	if got := mustShell(t, s.Dir(), `sha256sum < "$DIR/f" | cut -d " " -f 1`); strings.TrimSpace(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if lent := fsys.awaitReturn(t); lent < 1 {
		t.Error("nothing was lent")
	}
}

// TestLentBytesEndWithTheMount refuses when the bytes are there already.
func TestLentBytesEndWithTheMount(t *testing.T) {
	var refuse atomic.Bool
	fsys := newLendingFS()
	fsys.beforeReply = func() { refuse.Store(true) }
	s := serve(t, fsys, Options{Allow: func() error {
		if refuse.Load() {
			return errors.New("it is over")
		}
		return nil
	}})
	// Not cat: one that asks for all at once, in pages of 16 KiB, gets a reply that ends
	// within a piece.
	out, err := shell(t, s.Dir(), `dd if="$DIR/f" bs=64k count=1`)
	if err == nil || !strings.Contains(out, "Permission denied\n") || len(out) >= lentPiece {
		t.Errorf("%v, %d bytes: %.100s", err, len(out), out)
	}
	if lent := fsys.awaitReturn(t); lent < 1 {
		t.Error("nothing was lent")
	}
}

// TestLoanWithoutVectors is what go-fuse uses where it cannot write several pieces.
func TestLoanWithoutVectors(t *testing.T) {
	l := lentReply{&loan{[][]byte{[]byte("ab"), []byte("c")}, 3, func() {}}}
	got, status := l.Bytes([]byte("xxxx"))
	if string(got) != "abc" || !status.Ok() || l.Size() != 3 {
		t.Errorf("%q, %v, %d", got, status, l.Size())
	}
}
