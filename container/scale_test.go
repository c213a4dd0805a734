// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var keepScale = flag.String("scale.keep", "", "folder in which TestLargePackages leaves its packages, with the keys to mount them")

// sparsePackage is a genuine package of one file of any size, whose payload is a
// hole but for some leaves. What opening and reading cost is in the tree and the
// index, which are whole.
type sparsePackage struct {
	*fixture
	leaves int64
	real   []int64 // leaves that can be read
}

// sparseFile is an output that takes only the room of what is written.
type sparseFile struct {
	outputFile
	file *os.File
}

func (s sparseFile) WriteAt(p []byte, off int64) (int, error) { return s.file.WriteAt(p, off) }

// plainLeaf is the plaintext of a leaf that can be read.
func plainLeaf(leaf int64) []byte {
	return bytes.Repeat(binary.BigEndian.AppendUint64(nil, uint64(leaf)+1), leafPlaintext/8)
}

func packSparse(t *testing.T, dir string, size int64) *sparsePackage {
	t.Helper()
	x := &fixture{name: filepath.Join(dir, fmt.Sprintf("%d.tgsp", size)), author: tgspcrypto.GenerateAuthorKey(), identity: newIdentity(t, tgspcrypto.X25519)}
	w, err := newWriter(&Source{Files: []SourceFile{{Path: "model.safetensors", Size: size}}}, x.options())
	check(t, err)
	file, err := os.Create(x.name)
	check(t, err)
	defer func() { check(t, file.Close()) }()
	check(t, file.Truncate(w.layout.fileSize()))
	out := &output{target: x.name, file: sparseFile{file: file}}
	s := &sparsePackage{fixture: x, leaves: w.layout.leaves()}
	s.real = []int64{0, s.leaves / 3, s.leaves - 2}
	tiles := newTileStream(s.leaves, func(off int64, tile []byte) error { return out.writeAt(tile, w.layout.treeOffset()+off) })
	b := newBatches(1, w.layout)[0]
	next := 0
	for leaf := range s.leaves {
		var digest Hash
		binary.BigEndian.PutUint64(digest[:], uint64(leaf)) // of no leaf there is
		if next < len(s.real) && leaf == s.real[next] {
			next++
			b.leaf, b.plain = leaf, append(b.plain[:0], plainLeaf(leaf)...)
			b.seal(w.stream, w.manifest.LeafHash)
			off, _ := w.layout.leafRange(leaf)
			check(t, out.writeAt(b.cipher, w.layout.payloadOffset()+off))
			digest = b.digests[0]
		}
		check(t, tiles.builder.add(digest))
	}
	w.manifest.ContentHash, err = tiles.finish()
	check(t, err)
	_, err = w.writeFront(out)
	check(t, err)
	return s
}

// countedFile counts what is read of a package.
type countedFile struct {
	io.ReaderAt
	reads, bytes atomic.Int64
}

func (c *countedFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.reads.Add(1)
	c.bytes.Add(int64(n))
	return n, err
}

// since returns what was read since it was asked the last time.
func (c *countedFile) since() (reads, bytes int64) { return c.reads.Swap(0), c.bytes.Swap(0) }

// TestLargePackages opens packages up to a terabyte and reads from them. Opening
// costs the same whatever the size; a first read costs its leaf and, for each level
// of the tree, one tile. What is kept of the tree has a bound, too.
func TestLargePackages(t *testing.T) {
	sizes := []int64{1e9, 100e9, 1000e9}
	if testing.Short() {
		sizes = []int64{1e9, 10e9}
	}
	for _, size := range sizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := *keepScale
			if dir == "" {
				dir = t.TempDir()
			}
			took := stopwatch(t)
			x := packSparse(t, dir, size)
			took("make")
			if *keepScale != "" {
				x.writeKeys(t)
			}
			file, err := os.Open(x.name)
			check(t, err)
			src := &countedFile{ReaderAt: file}
			r, err := x.openFrom(src, fileSize(t, file))
			check(t, err)
			defer func() { check(t, errors.Join(r.Close(), file.Close())) }()
			took("open")
			reads, n := src.since()
			t.Logf("opening: %d bytes in %d reads", n, reads)
			if n > 256<<10 || reads > 4 {
				t.Errorf("opening takes %d bytes in %d reads, want 256 KiB in 4", n, reads)
			}
			got := make([]byte, 4096)
			for _, leaf := range x.real {
				_, err := r.ReadFileAt(0, got, leaf*leafPlaintext)
				check(t, err)
				if !bytes.Equal(got, plainLeaf(leaf)[:len(got)]) {
					t.Errorf("leaf %d has other bytes", leaf)
				}
				reads, n := src.since()
				levels := int64(treeLevels(x.leaves))
				// Paths to the root end in tiles of all levels at its right edge.
				most := LeafSize + 2*pageSize + 2*levels*tileWidth*int64(len(Hash{}))
				t.Logf("a first read: %d bytes in %d reads, in a tree of %d levels", n, reads, levels)
				if n > most || reads > 1+2*levels {
					t.Errorf("a first read takes %d bytes in %d reads, want %d in %d", n, reads, most, 1+2*levels)
				}
			}
			took("read")
			// All over it: what lies in the hole is refused, its tiles are kept.
			for i := range int64(2 * cachedTiles) {
				if _, err := r.ReadFileAt(0, got, i*(size/(2*cachedTiles+1))+leafPlaintext); !errors.As(err, new(*AlteredError)) {
					t.Fatalf("a hole: %v", err)
				}
			}
			took("read all over it")
			kept := 0
			for i := range r.contents().payload.tree.tiles.slots {
				kept += cap(r.contents().payload.tree.tiles.slots[i].value) * len(Hash{})
			}
			if kept > 16<<20 {
				t.Errorf("%d bytes of the tree are kept", kept)
			}
			t.Logf("a tree of %d MiB, of which %.1f MiB are kept", treeSize(x.leaves)>>20, float64(kept)/(1<<20))
		})
	}
}

// writeKeys leaves the keys beside the package, so that a command can open it.
func (x *fixture) writeKeys(t *testing.T) {
	t.Helper()
	secret, err := x.identity.SecretLine()
	check(t, err)
	check(t, os.WriteFile(x.name+".identity", []byte(secret+"\n"), 0o600))
	check(t, os.WriteFile(x.name+".author", []byte(x.author.Public().String()+"\n"), 0o600))
}

func fileSize(t *testing.T, f *os.File) int64 {
	t.Helper()
	info, err := f.Stat()
	check(t, err)
	return info.Size()
}
