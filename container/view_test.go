// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"testing"
	"time"
)

// openViewed returns a package with one file of whole leaves and a piece of one.
func openViewed(t *testing.T, change func(l layout, data []byte)) (*Reader, []byte) {
	t.Helper()
	x := pack(t, randomFiles(map[string]int{"w": 20*leafPlaintext + 100}), nil)
	data := x.bytes(t)
	if change != nil {
		change(mustLayout(t, data), data)
	}
	r, err := x.open(data)
	check(t, err)
	t.Cleanup(func() { r.Close() }) // only read
	return r, x.files["w"]
}

func TestViewsAreTheFile(t *testing.T) {
	r, want := openViewed(t, nil)
	for _, shared := range []int{1, 2} {
		withProcessors(t, shared)
		for _, leaves := range []int{1, 2, 7, batchLeaves} {
			for off := 0; off+leaves*leafPlaintext <= len(want); off += leafPlaintext {
				v := r.ViewFileAt(0, int64(off), leaves*leafPlaintext)
				if v == nil {
					t.Fatalf("no view of %d leaves at %d", leaves, off)
				}
				if got := bytes.Join(v.Pieces(), nil); !bytes.Equal(got, want[off:off+leaves*leafPlaintext]) {
					t.Errorf("%d leaves at %d are not what was packed", leaves, off)
				}
				v.Release()
			}
		}
	}
}

func TestWhatIsNotViewed(t *testing.T) {
	r, want := openViewed(t, nil)
	end := int64(len(want))
	for what, c := range map[string]struct {
		off int64
		n   int
	}{
		"nothing": {0, 0}, "part of a leaf": {0, leafPlaintext - 1}, "a leaf and more": {0, leafPlaintext + 1},
		"not at a leaf": {4096, leafPlaintext}, "more than a batch": {0, batchPlaintext + leafPlaintext},
		"before the file": {-leafPlaintext, leafPlaintext}, "over the end": {20 * leafPlaintext, leafPlaintext},
		"after the end": {21 * leafPlaintext, leafPlaintext}, "far after it": {end << 30, leafPlaintext},
		"less than nothing": {0, -leafPlaintext},
	} {
		if v := r.ViewFileAt(0, c.off, c.n); v != nil {
			t.Errorf("%s: %d pieces", what, len(v.Pieces()))
		}
	}
	if n := len(r.contents().payload.buffers.free); n != cap(r.contents().payload.buffers.free) {
		t.Errorf("%d buffers came back", n)
	}
	check(t, r.Close())
	if r.ViewFileAt(0, 0, leafPlaintext) != nil {
		t.Error("a closed package was viewed")
	}
}

// TestDamageIsNotViewed changes a byte of each leaf in turn: no view has any of that
// leaf, all others are to be had, and all buffers come back.
func TestDamageIsNotViewed(t *testing.T) {
	for bad := range int64(20) {
		r, want := openViewed(t, func(l layout, data []byte) {
			from, length := l.leafRange(bad)
			data[l.payloadOffset()+from+(bad*7919)%length] ^= 1
		})
		for leaf := range int64(20) {
			v := r.ViewFileAt(0, leaf*leafPlaintext, leafPlaintext)
			if (v == nil) != (leaf == bad) {
				t.Errorf("leaf %d is altered, a view of leaf %d: %v", bad, leaf, v)
			}
			if v != nil {
				if !bytes.Equal(bytes.Join(v.Pieces(), nil), want[leaf*leafPlaintext:(leaf+1)*leafPlaintext]) {
					t.Errorf("leaf %d is altered, leaf %d is other bytes", bad, leaf)
				}
				v.Release()
			}
		}
		if v := r.ViewFileAt(0, 0, batchPlaintext); (v == nil) != (bad < batchLeaves) {
			t.Errorf("leaf %d is altered, a view of the first %d: %v", bad, batchLeaves, v)
		}
	}
}

// TestViewsHeldKeepNobodyWaiting holds more views than there are buffers.
func TestViewsHeldKeepNobodyWaiting(t *testing.T) {
	r, want := openViewed(t, nil)
	n := cap(r.contents().payload.buffers.free) + 2
	done := make(chan []*View)
	go func() {
		var views []*View
		for range n {
			views = append(views, r.ViewFileAt(0, 0, leafPlaintext))
		}
		done <- views
	}()
	select {
	case views := <-done:
		for _, v := range views {
			if !bytes.Equal(v.Pieces()[0], want[:len(v.Pieces()[0])]) {
				t.Error("a view is not what was packed")
			}
			v.Release()
		}
	case <-time.After(time.Minute):
		t.Fatal("a view waits for another one to be released")
	}
}

// TestCloseWipesViews looks at the memory of a view that was released before the
// package was closed, and of one that was not.
func TestCloseWipesViews(t *testing.T) {
	r, want := openViewed(t, nil)
	before, after := r.ViewFileAt(0, 0, leafPlaintext), r.ViewFileAt(0, leafPlaintext, leafPlaintext)
	held := [][]byte{before.Pieces()[0], after.Pieces()[0]}
	before.Release()
	if !bytes.Equal(held[0], want[:len(held[0])]) {
		t.Fatal("the first view was not there")
	}
	check(t, r.Close())
	if !bytes.Equal(held[1], want[leafPlaintext:][:len(held[1])]) {
		t.Error("a view lost its bytes before it was released")
	}
	after.Release()
	for i, h := range held {
		if !bytes.Equal(h, make([]byte, len(h))) {
			t.Errorf("plaintext of view %d is left in memory", i)
		}
	}
}

func TestSpareBuffersAreWipedToo(t *testing.T) {
	b := newReadBuffers(1, 10)
	first, spare := b.get(), b.get()
	first.data[0], spare.data[0] = 1, 1
	b.put(spare)
	if len(b.spares) != 1 {
		t.Fatal("the spare buffer is not kept")
	}
	b.close()
	if spare.data[0] != 0 {
		t.Error("a spare buffer keeps what it held")
	}
	if b.put(first); first.data[0] != 0 {
		t.Error("a buffer that came back later keeps what it held")
	}
}
