// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// No byte of a package is exempt: whichever is changed, verify refuses.
func TestFlippedBytesAreRefused(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	random := rand.New(rand.NewPCG(3, 4))
	l := mustLayout(t, data)
	places := []int64{0, preambleSize - 1, preambleSize, l.slotOffset(1) - 1, l.slotOffset(1), l.indexOffset() - 1, l.indexOffset(),
		l.treeOffset() - 1, l.treeOffset(), l.gapOffset() - 1, l.gapOffset(), l.payloadOffset() - 1, l.payloadOffset(), l.fileSize() - 1}
	for off := int64(0); off < l.fileSize(); off += 1 + random.Int64N(400) {
		places = append(places, off)
	}
	for _, off := range places {
		was := data[off]
		data[off] ^= 1 << random.IntN(8)
		if err := x.verifyBytes(data); err == nil {
			t.Errorf("byte %d was changed and verify accepts it", off)
		}
		data[off] = was
	}
	check(t, x.verifyBytes(data))
	t.Logf("%d flips refused", len(places))
}

// A reader never gives a wrong byte, whatever was changed.
func TestFlippedPayloadNeverReadWrong(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		off := l.treeOffset() + random.Int64N(l.fileSize()-l.treeOffset())
		if off >= l.gapOffset() && off < l.payloadOffset() {
			continue // zeros that only a verifier looks at
		}
		was := data[off]
		data[off] ^= 0x40
		r, err := x.open(data)
		check(t, err)
		refused := 0
		for i, entry := range r.Files() {
			got := make([]byte, entry.Size)
			n, err := r.ReadFileAt(i, got, 0)
			if err != nil && !errors.Is(err, io.EOF) {
				refused++
				if altered := new(AlteredError); !errors.As(err, &altered) || altered.Path != entry.Path {
					t.Errorf("byte %d: %v", off, err)
				}
			}
			if !bytes.Equal(got[:n], x.files[entry.Path][:n]) {
				t.Fatalf("byte %d: %s gave a wrong byte", off, entry.Path)
			}
		}
		if refused == 0 {
			t.Errorf("byte %d was changed and every file reads", off)
		}
		data[off] = was
	}
}

func TestCutAndLengthened(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	for n := 0; n < len(data); n += 1 + n/7 {
		if err := x.verifyBytes(data[:n]); err == nil {
			t.Errorf("cut to %d bytes and accepted", n)
		}
	}
	for extra := 1; extra <= 64; extra++ {
		if err := x.verifyBytes(append(bytes.Clone(data), make([]byte, extra)...)); err == nil {
			t.Errorf("%d zeros more and accepted", extra)
		}
	}
}

func TestShrinksWhileOpen(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	src := &shrinkingReader{data: data, limit: int64(len(data))}
	f, err := NewFile(src, int64(len(data)))
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	src.limit = mustLayout(t, data).payloadOffset() + 10
	for i, entry := range r.Files() {
		if entry.Size == 0 {
			continue
		}
		altered := new(AlteredError)
		if _, err := r.ReadFileAt(i, make([]byte, entry.Size), 0); !errors.As(err, &altered) {
			t.Errorf("%s: %v", entry.Path, err)
		}
	}
}

type shrinkingReader struct {
	data  []byte
	limit int64
}

func (s *shrinkingReader) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(s.data[:s.limit]).ReadAt(p, off)
}

func mustLayout(t testing.TB, data []byte) layout {
	t.Helper()
	l, err := parsePreamble(data[:preambleSize], int64(len(data)))
	check(t, err)
	return l
}
