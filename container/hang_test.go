// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"
)

// gate is storage in memory that stops at some reads until it is opened, and
// can then refuse them.
type gate struct {
	*bytes.Reader
	from, to int64 // these bytes of the package
	arrived  chan struct{}
	open     chan error
}

func (g *gate) ReadAt(p []byte, off int64) (int, error) {
	if off < g.to && off+int64(len(p)) > g.from {
		g.arrived <- struct{}{}
		if err := <-g.open; err != nil {
			return 0, err
		}
	}
	return g.Reader.ReadAt(p, off)
}

// Reads that hang, more of them than there are buffers or slots, keep nobody
// waiting who wants something else.
func TestHangingReadsLeaveOthersAlone(t *testing.T) {
	const size = 16 << 20
	x := pack(t, randomFiles(map[string]int{"far": size, "near": size}), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	g := &gate{Reader: bytes.NewReader(data), arrived: make(chan struct{}), open: make(chan error)}
	f, err := NewFile(g, int64(len(data)))
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	far, near := 0, 1
	if r.Files()[far].Path != "far" {
		far, near = near, far
	}
	readAll(t, r, near, x.files["near"], 4096) // fills slots of the cache
	first, _ := l.leafRange(r.Place(far) / leafPlaintext)
	g.from = l.payloadOffset() + first
	g.to = g.from + size/leafPlaintext*LeafSize

	var wg sync.WaitGroup
	const pieces, wholes = cachedLeaves + 10, 2 * minReadBuffers
	hang := func(off int64, n int) {
		wg.Go(func() {
			p := make([]byte, n)
			got, err := r.ReadFileAt(far, p, off)
			if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(p[:got], x.files["far"][off:off+int64(n)]) {
				t.Errorf("%d bytes at %d, once storage answers: %v", n, off, err)
			}
		})
	}
	for i := range int64(pieces) {
		hang(i*leafPlaintext+1, 10)
	}
	for i := range int64(wholes) {
		hang(i<<20%size, 1<<20)
	}
	guard := time.After(time.Minute)
	for i := range pieces + wholes {
		select {
		case <-g.arrived:
		case <-guard:
			t.Fatalf("only %d reads of %d reach storage that hangs", i, pieces+wholes)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, piece := range []int{4096, 100_000, 1 << 20} {
			readAll(t, r, near, x.files["near"], piece)
		}
	}()
	select {
	case <-done:
	case <-guard:
		t.Error("a file on storage that answers waits for one on storage that hangs")
	}
	close(g.open)
	wg.Wait()
	<-done
	if n := len(r.contents().payload.buffers.free); n != cap(r.contents().payload.buffers.free) {
		t.Errorf("%d buffers came back of %d", n, cap(r.contents().payload.buffers.free))
	}
}

func readAll(t *testing.T, r *Reader, file int, want []byte, piece int) {
	t.Helper()
	p := make([]byte, piece)
	for off := 0; off < len(want); off += piece {
		n, err := r.ReadFileAt(file, p, int64(off))
		if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(p[:n], want[off:min(off+piece, len(want))]) {
			t.Errorf("%d bytes at %d: %d, %v", piece, off, n, err)
			return
		}
	}
}

// Readers of one leaf wait for the first of them and share its error, which is
// forgotten after that.
func TestReadersShareALoad(t *testing.T) {
	var dropped []int
	c := newSlotCache(2, func(v int) { dropped = append(dropped, v) })
	broken, started, answer := errors.New("broken"), make(chan struct{}), make(chan error)
	load := func(key int64) (int, error) {
		started <- struct{}{}
		return int(key), <-answer
	}
	results := make(chan error)
	read := func(key int64) {
		go func() { results <- c.with(key, load, func(int) {}) }()
	}
	read(1)
	<-started
	for range 10 {
		read(1)
	}
	answer <- broken
	for ended := 0; ended < 11; {
		select {
		case err := <-results:
			ended++
			if !errors.Is(err, broken) {
				t.Error(err)
			}
		case <-started: // it came after the first had ended
			answer <- broken
		}
	}
	for _, key := range []int64{1, 3} { // both in one slot
		read(key)
		<-started
		answer <- nil
		check(t, <-results)
		read(key)
		check(t, <-results)
	}
	c.close()
	if len(dropped) != 2 || dropped[0] != 1 || dropped[1] != 3 {
		t.Errorf("given back: %v", dropped)
	}
}

// A failed read names the leaf that is bad, whatever else was asked for, and
// gives what is right before it.
func TestErrorsNameTheLeaf(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 300, "w": 9 << 20}), nil)
	const bad = 37*leafPlaintext + 5
	data := x.bytes(t)
	l := mustLayout(t, data)
	r, err := x.open(data)
	check(t, err)
	leaf, _ := l.leafRange((r.Place(1) + bad) / leafPlaintext)
	data[l.payloadOffset()+leaf+100] ^= 1
	for _, c := range []struct{ off, n int64 }{{0, 9 << 20}, {32 * leafPlaintext, 1 << 20}, {bad, 1}, {bad, 2 << 20}, {37 * leafPlaintext, 4096}} {
		p := make([]byte, c.n)
		n, err := r.ReadFileAt(1, p, c.off)
		altered := new(AlteredError)
		if !errors.As(err, &altered) || altered.Path != "w" || altered.Offset != 37*leafPlaintext {
			t.Errorf("%d bytes at %d: %v", c.n, c.off, err)
		}
		if right := max(0, 37*leafPlaintext-c.off); int64(n) != right || !bytes.Equal(p[:n], x.files["w"][c.off:c.off+right]) {
			t.Errorf("%d bytes at %d: %d are right, want %d", c.n, c.off, n, right)
		}
	}
}
