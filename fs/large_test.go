// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/tensorguard/tgsp/container"
	tgspfs "github.com/tensorguard/tgsp/fs"
)

// TestLargePackageOnDisk changes and cuts a package in its file, so that reads
// go past the page cache where the file system lets them. It has stored tree
// nodes of two levels.
func TestLargePackageOnDisk(t *testing.T) {
	size, verifies, reads := 100<<20, 100, 1000
	if testing.Short() {
		size, verifies, reads = 24<<20, 12, 100
	}
	files := model()
	files["weights/large"] = make([]byte, size)
	rand.NewChaCha8([32]byte{3}).Read(files["weights/large"]) //nolint:errcheck // never fails
	p := pack(t, files, container.PackOptions{})
	file, err := os.OpenFile(p.name, os.O_RDWR, 0)
	check(t, err)
	defer file.Close()
	d := &onDisk{t: t, p: p, file: file}
	s, random := p.sections(), rand.New(rand.NewPCG(7, 8))
	leaves := (s.end - s.payload + container.LeafSize - 1) / container.LeafSize
	upper := s.tree + 32*leaves
	if upper >= s.gap {
		t.Fatal("the tree has one level")
	}
	bounds := []int64{0, s.slotA, s.slotA + 1024, s.slotB, s.index, s.tree, upper, s.gap, s.payload, s.end}
	pick := func(i int) int64 { // from all parts in turn
		part := i % (len(bounds) - 1)
		return bounds[part] + random.Int64N(bounds[part+1]-bounds[part])
	}
	for i := range verifies {
		at := pick(i)
		d.flip(at, byte(1+random.IntN(255)), func() {
			if d.verify() == nil {
				t.Errorf("byte %d was changed and verify accepts it", at)
			}
		})
	}
	refused := 0
	for i := range reads {
		at := pick(i)
		if i%3 > 0 { // most of all in the payload
			at = s.payload + random.Int64N(s.end-s.payload)
		}
		d.flip(at, byte(1+random.IntN(255)), func() { refused += d.read(at, s) })
	}
	cuts := 0
	for i := range verifies {
		cuts++
		d.cut(pick(i))
	}
	check(t, d.verify())
	t.Logf("%d flips refused by verify; %d flips read, of which %d were refused; %d cuts refused; past the cache: %v",
		verifies, reads, refused, cuts, d.direct)
}

// onDisk is a package whose file is changed in place.
type onDisk struct {
	t      *testing.T
	p      *packed
	file   *os.File
	direct bool // whether it was read past the page cache
}

func (d *onDisk) flip(at int64, delta byte, then func()) {
	_, err := d.file.WriteAt([]byte{d.p.data[at] ^ delta}, at)
	check(d.t, err)
	then()
	_, err = d.file.WriteAt(d.p.data[at:at+1], at)
	check(d.t, err)
}

func (d *onDisk) verify() error {
	f, err := container.OpenFile(d.p.name)
	if err != nil {
		return err
	}
	defer f.Close()
	return d.p.verify(f, false)
}

// read reads what a changed byte of the payload belongs to, and around it; for
// another byte it reads anywhere. It returns 1 where that was refused.
func (d *onDisk) read(at int64, s sections) int {
	f, err := container.OpenFile(d.p.name)
	if err != nil {
		return 1
	}
	defer f.Close()
	r, err := d.p.reader(f)
	if err != nil {
		return 1
	}
	d.direct = d.direct || r.DirectIO()
	// The chunk's own 16 bytes are spread over its plaintext, which is right to
	// within a leaf.
	const leaf = 4 * 16384
	place := max(at-s.payload, 0) / container.LeafSize * leaf
	refused := 0
	for i, entry := range r.Files() {
		first, last := max(r.Place(i), place-leaf), min(r.Place(i)+int64(entry.Size), place+2*leaf)
		if first >= last {
			continue
		}
		open, err := tgspfs.New(r).Open(entry.Path)
		check(d.t, err)
		got, want := make([]byte, last-first), d.p.files[entry.Path][first-r.Place(i):last-r.Place(i)]
		n, err := open.(io.ReaderAt).ReadAt(got, first-r.Place(i))
		if !bytes.Equal(got[:n], want[:n]) {
			d.t.Errorf("byte %d: %s gave a wrong byte", at, entry.Path)
		}
		if n < len(want) {
			refused = 1
			if !errors.As(err, new(*container.AlteredError)) {
				d.t.Errorf("byte %d: %s: %v", at, entry.Path, err)
			}
		}
	}
	if at >= s.payload && refused == 0 {
		d.t.Errorf("byte %d was changed and what it belongs to reads", at)
	}
	return refused
}

// cut shortens the file, before and after it is opened, and mends it.
func (d *onDisk) cut(n int64) {
	f, err := container.OpenFile(d.p.name)
	check(d.t, err)
	defer f.Close()
	r, err := d.p.reader(f)
	check(d.t, err)
	check(d.t, d.file.Truncate(n))
	if d.verify() == nil || d.p.verify(f, false) == nil {
		d.t.Errorf("cut to %d bytes, and verify accepts it", n)
	}
	last := len(r.Files()) - 1
	size := int64(r.Files()[last].Size)
	if got, err := r.ReadFileAt(last, make([]byte, 1), size-1); got > 0 || !errors.As(err, new(*container.AlteredError)) {
		d.t.Errorf("cut to %d bytes, and its last one reads: %v", n, err)
	}
	_, err = d.file.WriteAt(d.p.data[n:], n)
	check(d.t, err)
}
