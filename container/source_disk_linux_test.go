// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// twoFiles is a diskSource whose two descriptors lead to different files, so that
// each read shows which one it used.
func twoFiles(t *testing.T, direct []byte) *diskSource {
	t.Helper()
	dir := t.TempDir()
	open := func(name string, data []byte) *os.File {
		name = filepath.Join(dir, name)
		check(t, os.WriteFile(name, data, 0o600))
		f, err := os.Open(name)
		check(t, err)
		t.Cleanup(func() { f.Close() }) // only read
		return f
	}
	s := newDiskSource(open("cached", bytes.Repeat([]byte("c"), 4*pageSize)), 4*pageSize)
	s.once.Do(func() { s.direct = open("direct", direct) })
	return s
}

// TestReadDirect makes sure that whole pages are read past the cache, that parts of
// pages are not, and that a read that fails there is tried in the ordinary way.
func TestReadDirect(t *testing.T) {
	s := twoFiles(t, bytes.Repeat([]byte("d"), 2*pageSize+10))
	b := spareBuffer(2 * pageSize)
	for what, c := range map[string]struct {
		p    []byte
		off  int64
		n    int
		want byte
		err  error
	}{
		"a page": {b[:pageSize], 0, pageSize, 'd', nil}, "the second and half of the third": {b, pageSize, pageSize + 10, 'd', io.EOF},
		"a part of a page": {b[:100], 0, 100, 'c', nil}, "an odd offset": {b[:pageSize], 7, pageSize, 'c', nil}, "an odd address": {b[1 : 1+pageSize], 0, pageSize, 'c', nil},
	} {
		clear(b)
		n, err := s.readDirect(c.p, c.off)
		if n != c.n || !errors.Is(err, c.err) || !bytes.Equal(c.p[:n], bytes.Repeat([]byte{c.want}, n)) {
			t.Errorf("%s: %d bytes, %v, that begin with %q", what, n, err, c.p[:1])
		}
	}
	check(t, s.direct.Close())
	for name, direct := range map[string]*os.File{"refused": s.direct, "not to be had": nil} {
		clear(b)
		s.direct = direct
		if n, err := s.readDirect(b[:pageSize], 0); n != pageSize || err != nil || b[0] != 'c' {
			t.Errorf("direct I/O is %s: %d bytes, %v", name, n, err)
		}
	}
}

// TestSharedLock makes sure that a reader's lock keeps changes out exactly as long
// as it is held, and that a file system without locks is put up with.
func TestSharedLock(t *testing.T) {
	s := twoFiles(t, nil)
	other, err := os.OpenFile(s.file.Name(), os.O_RDWR, 0)
	check(t, err)
	defer other.Close() // nothing was written
	unlockShared, err := s.tryLockShared()
	check(t, err)
	if err := tryLock(other, true); !errors.Is(err, errLocked) {
		t.Errorf("a change begins under a reader's lock: %v", err)
	}
	check(t, unlockShared())
	check(t, tryLock(other, true))
	if _, err := s.tryLockShared(); !errors.Is(err, errLocked) {
		t.Errorf("a reader's lock during a change: %v", err)
	}
	check(t, unlock(other))

	check(t, s.file.Close()) // gives an error that is not about a lock
	unlockShared, err = s.tryLockShared()
	check(t, err)
	check(t, unlockShared())
}

// TestCutOnDisk makes a package shorter while it is open. Every read that meets
// the end names the same place.
func TestCutOnDisk(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 5 * leafPlaintext}), nil)
	f, err := OpenFile(x.name)
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	defer r.Close() // only read
	check(t, os.Truncate(x.name, f.layout.payloadOffset()+2*LeafSize+100))
	for _, c := range []struct{ off, n int64 }{{0, 5 * leafPlaintext}, {2 * leafPlaintext, 10}, {3*leafPlaintext + 7, 10}, {3 * leafPlaintext, 2 * leafPlaintext}} {
		altered := new(AlteredError)
		n, err := r.ReadFileAt(0, make([]byte, c.n), c.off)
		if !errors.As(err, &altered) || altered.Part != "file" || altered.Path != "a" || altered.Offset != 2*leafPlaintext || int64(n) != max(0, 2*leafPlaintext-c.off) {
			t.Errorf("%d bytes at %d: %d, %v", c.n, c.off, n, err)
		}
	}
}
