// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"testing"
)

func TestClosedReaderGivesNothing(t *testing.T) {
	x := pack(t, smallModel(), func(o *PackOptions) { o.Metadata = []byte(`{"secret":1}`) })
	r, err := x.open(x.bytes(t))
	check(t, err)
	x.checkContents(t, r)
	check(t, r.Close())
	n, err := r.ReadFileAt(0, make([]byte, 10), 0)
	if n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if len(r.Files()) != 0 || len(r.Folders()) != 0 || len(r.Weights()) != 0 || r.Metadata() != "" {
		t.Errorf("it still tells: %v %v %v %q", r.Files(), r.Folders(), r.Weights(), r.Metadata())
	}
	check(t, r.Close()) // nothing is left to close
}

// TestCloseWipesPlaintext looks at the very memory that held a leaf.
func TestCloseWipesPlaintext(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 3 * leafPlaintext}), nil)
	r, err := x.open(x.bytes(t))
	check(t, err)
	part := make([]byte, 100)
	_, err = r.ReadFileAt(0, part, 5)
	check(t, err)
	var held []byte
	check(t, r.contents().payload.cache.with(0, nil, func(leaf *cachedLeaf) { held = leaf.cipher }))
	if !bytes.Equal(held[5:105], part) {
		t.Fatal("the cache does not hold the leaf that was read")
	}
	check(t, r.Close())
	if bytes.Contains(held, part) {
		t.Error("plaintext is left in memory")
	}
}

// heldSource lets reads wait until it is told.
type heldSource struct {
	io.ReaderAt
	began chan struct{}
	held  chan struct{} // nil while nothing waits
	once  sync.Once
}

func (s *heldSource) ReadAt(p []byte, off int64) (int, error) {
	if s.held != nil {
		s.once.Do(func() { close(s.began) })
		<-s.held
	}
	return s.ReaderAt.ReadAt(p, off)
}

// TestCloseDuringRead closes while a read is under way. It may end either way,
// but what it decrypts is not kept.
func TestCloseDuringRead(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 3 * leafPlaintext}), nil)
	data := x.bytes(t)
	src := &heldSource{ReaderAt: bytes.NewReader(data), began: make(chan struct{})}
	r, err := x.openFrom(src, int64(len(data)))
	check(t, err)
	payload := r.contents().payload
	src.held = make(chan struct{})
	got := make([]byte, 100)
	ended := make(chan error)
	go func() {
		_, err := r.ReadFileAt(0, got, 5)
		ended <- err
	}()
	<-src.began
	check(t, r.Close())
	if _, err := r.ReadFileAt(0, make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a new read: %v", err)
	}
	close(src.held)
	if err := <-ended; err == nil && !bytes.Equal(got, x.files["w"][5:105]) {
		t.Error("the read that was under way gave other bytes")
	}
	for {
		select {
		case leaf := <-payload.unused:
			if bytes.Contains(leaf.room, x.files["w"][:64]) {
				t.Error("plaintext is left in memory")
			}
			continue
		default:
		}
		break
	}
	for i := range payload.cache.slots {
		if payload.cache.slots[i].filled {
			t.Error("the cache keeps a leaf")
		}
	}
}

// TestCloseUnderLoad closes while many goroutines read; the race detector and
// the contents tell.
func TestCloseUnderLoad(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 8 * leafPlaintext}), nil)
	want := x.files["w"]
	r, err := x.open(x.bytes(t))
	check(t, err)
	var wait, warm sync.WaitGroup
	for i := range 8 {
		warm.Add(1)
		wait.Go(func() {
			ready := sync.OnceFunc(warm.Done)
			defer ready()
			got := make([]byte, 1000+i*leafPlaintext/2)
			for round := 0; ; round++ {
				off := int64(round * 777 % (len(want) - len(got)))
				_, err := r.ReadFileAt(0, got, off)
				if errors.Is(err, os.ErrClosed) {
					return
				}
				if err != nil || !bytes.Equal(got, want[off:off+int64(len(got))]) {
					t.Errorf("a read of %d at %d: %v", len(got), off, err)
					return
				}
				if round == 3 {
					ready()
				}
			}
		})
	}
	warm.Wait()
	check(t, r.Close())
	wait.Wait()
}
