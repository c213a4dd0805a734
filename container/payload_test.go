// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// listedReader is storage in memory that lists the reads of the payload, and
// fails the first of them if it is told to.
type listedReader struct {
	data []byte
	from int64 // where the payload starts
	fail bool

	mu    sync.Mutex
	reads []int64 // offsets in the payload
}

func (l *listedReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > l.from {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.reads = append(l.reads, off-l.from)
		if l.fail && len(l.reads) == 1 {
			return 0, errStorage
		}
	}
	return bytes.NewReader(l.data).ReadAt(p, off)
}

// listed packs one file, w, and opens it so that its reads are listed.
func listed(t *testing.T, size int) (*fixture, *Reader, *listedReader) {
	t.Helper()
	x := pack(t, randomFiles(map[string]int{"w": size}), nil)
	data := x.bytes(t)
	src := &listedReader{data: data, from: mustLayout(t, data).payloadOffset()}
	r, err := x.openFrom(src, int64(len(data)))
	check(t, err)
	return x, r, src
}

// withProcessors lets reads use n processors, whatever the machine has.
func withProcessors(t *testing.T, n int) {
	before := processors
	processors = n
	t.Cleanup(func() { processors = before })
}

// TestWholeLeavesAreReadOnce reads batches that several processors share. A part
// that one of them got wrong would be read again, leaf by leaf, and come out right.
func TestWholeLeavesAreReadOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7} {
		withProcessors(t, n)
		x, r, src := listed(t, 3*batchPlaintext)
		for i := range int64(3) {
			p := make([]byte, batchPlaintext)
			if got, err := r.ReadFileAt(0, p, i*batchPlaintext); got != len(p) || err != nil || !bytes.Equal(p, x.files["w"][i*batchPlaintext:(i+1)*batchPlaintext]) {
				t.Errorf("batch %d with %d processors: %d bytes, %v", i, n, got, err)
			}
		}
		if len(src.reads) != 3 {
			t.Errorf("3 batches with %d processors were read at %v", n, src.reads)
		}
	}
}

// TestDamageInAPart changes a leaf of a batch that several processors share. Whoever
// has that part, the bytes before it are given, and nothing of it.
func TestDamageInAPart(t *testing.T) {
	for _, n := range []int{1, 2, 4, 7} {
		withProcessors(t, n)
		x, r, src := listed(t, batchPlaintext)
		for leaf := range int64(batchLeaves) {
			at := src.from + leaf*LeafSize + 100
			src.data[at] ^= 1
			p := make([]byte, batchPlaintext)
			got, err := r.ReadFileAt(0, p, 0)
			if int64(got) != leaf*leafPlaintext || !errors.As(err, new(*AlteredError)) || !bytes.Equal(p[:got], x.files["w"][:got]) {
				t.Errorf("leaf %d with %d processors: %d bytes, %v", leaf, n, got, err)
			}
			if !bytes.Equal(p[leaf*leafPlaintext:(leaf+1)*leafPlaintext], make([]byte, leafPlaintext)) {
				t.Errorf("leaf %d with %d processors: some of it was given", leaf, n)
			}
			src.data[at] ^= 1
		}
	}
}

// TestReadGoesOnAfterAFailure has storage fail once: what was asked for is read
// leaf by leaf, each once, to the last that there is.
func TestReadGoesOnAfterAFailure(t *testing.T) {
	for _, leaves := range []int{2, 5, batchLeaves} {
		x, r, src := listed(t, leaves*leafPlaintext)
		src.fail = true
		p := make([]byte, leaves*leafPlaintext)
		if n, err := r.ReadFileAt(0, p, 0); n != len(p) || err != nil || !bytes.Equal(p, x.files["w"]) {
			t.Errorf("%d leaves: %d bytes, %v", leaves, n, err)
		}
		if len(src.reads) != leaves+1 {
			t.Errorf("%d leaves were read at %v", leaves, src.reads)
		}
	}
	// One leaf alone is not tried again.
	_, r, src := listed(t, leafPlaintext)
	src.fail = true
	if _, err := r.ReadFileAt(0, make([]byte, leafPlaintext), 0); !errors.Is(err, errStorage) || len(src.reads) != 1 {
		t.Errorf("one leaf: %v, read at %v", err, src.reads)
	}
}

// TestReadsAtTheEnd reads to the end of a file, past it and from there on.
func TestReadsAtTheEnd(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 100, "b": 50}), nil)
	r, err := x.open(x.bytes(t))
	check(t, err)
	for _, c := range []struct {
		off, n int64
		want   int
		err    error
	}{{0, 100, 100, nil}, {40, 60, 60, nil}, {0, 101, 100, io.EOF}, {99, 2, 1, io.EOF}, {100, 1, 0, io.EOF}, {100, 0, 0, io.EOF}, {101, 1, 0, io.EOF}, {0, 0, 0, nil}} {
		p := make([]byte, c.n)
		n, err := r.ReadFileAt(0, p, c.off)
		if n != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || !bytes.Equal(p[:n], x.files["a"][min(c.off, 100):][:n]) {
			t.Errorf("%d bytes at %d: %d, %v", c.n, c.off, n, err)
		}
	}
	if _, err := r.ReadFileAt(0, make([]byte, 1), -1); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("before the start: %v", err)
	}
}

// TestDamagedTileSaysWhere changes a hash of the second tile: files that lie before
// its leaves are read, and the error says where in the file those begin.
func TestDamagedTileSaysWhere(t *testing.T) {
	const second = tileWidth * leafPlaintext // where the second tile's leaves begin
	x := pack(t, randomFiles(map[string]int{"a": 100, "w": second + 3*leafPlaintext}), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	check(t, x.verifyBytes(data))
	data[l.treeOffset()+tileWidth*int64(len(Hash{}))+5] ^= 1
	r, err := x.open(data)
	check(t, err)
	for _, off := range []int64{second - r.Place(1), second - r.Place(1) + 2*leafPlaintext} {
		altered := new(AlteredError)
		if _, err := r.ReadFileAt(1, make([]byte, 10), off); !errors.As(err, &altered) || altered.Part != "tree" || altered.Path != "w" || altered.Offset != second-r.Place(1) {
			t.Errorf("%d: %v, want offset %d", off, err, second-r.Place(1))
		}
	}
}

// TestChunkThatDoesNotDecrypt has an author sign chunks that nobody can decrypt.
// Whoever has a key is told which, in the package and in the file.
func TestChunkThatDoesNotDecrypt(t *testing.T) {
	for _, bad := range []int64{0, 1, 5, 11} {
		o := takeApartModel(t, randomFiles(map[string]int{"w": 3 * leafPlaintext}))
		at := o.layout.payloadOffset() + bad*tgspcrypto.EncryptedChunkSize
		o.data[at+7] ^= 1
		o.rehash(t)
		altered := new(AlteredError)
		if err := o.verifyBytes(o.data); !errors.As(err, &altered) || altered.Part != "payload" || altered.Offset != at {
			t.Errorf("chunk %d: verify: %v, want offset %d", bad, err, at)
		}
		r, err := o.open(o.data)
		check(t, err)
		p := make([]byte, 3*leafPlaintext)
		n, err := r.ReadFileAt(0, p, 0)
		leaf := bad / leafChunks * leafPlaintext
		if !errors.As(err, &altered) || altered.Path != "w" || altered.Offset != leaf || int64(n) != leaf || !bytes.Equal(p[:n], o.files["w"][:n]) {
			t.Errorf("chunk %d: %d bytes, %v, want offset %d", bad, n, err, leaf)
		}
	}
}

// TestBatchesAreAsManyAsNeeded makes sure that a small payload takes little memory.
func TestBatchesAreAsManyAsNeeded(t *testing.T) {
	for leaves, want := range map[int64]int{1: 1, batchLeaves - 1: 1, batchLeaves: 1, batchLeaves + 1: 2, 3 * batchLeaves: 3, 10 * batchLeaves: 10, 11 * batchLeaves: 10} {
		batches := newBatches(10, layout{payload: leaves * LeafSize})
		if len(batches) != want {
			t.Errorf("%d leaves: %d batches, want %d", leaves, len(batches), want)
		}
		for _, b := range batches {
			if int64(cap(b.plain)) != min(batchPlaintext, leaves*LeafSize) {
				t.Errorf("%d leaves: room for %d bytes", leaves, cap(b.plain))
			}
		}
	}
}
