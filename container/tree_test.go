// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// storedTree builds a tree of n made-up leaves and returns section and root.
func storedTree(t *testing.T, n int64) ([]byte, Hash) {
	t.Helper()
	section := make([]byte, treeSize(n))
	written := 0
	s := newTileStream(n, func(off int64, tile []byte) error {
		written += copy(section[off:], tile)
		return nil
	})
	for i := range n {
		check(t, s.builder.add(madeUpDigest(i)))
	}
	root, err := s.finish()
	check(t, err)
	if written != len(section) {
		t.Fatalf("%d leaves: %d bytes of tiles, want %d", n, written, len(section))
	}
	return section, root
}

func madeUpDigest(i int64) Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

// reference computes RFC 6962, section 2.1, as it stands there.
func reference(from, n int64) tlog.Hash {
	if n == 1 {
		d := madeUpDigest(from)
		return sha256.Sum256(append([]byte{0}, d[:]...))
	}
	k := int64(1)
	for k*2 < n {
		k *= 2
	}
	left, right := reference(from, k), reference(from+k, n-k)
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

type sectionSource struct {
	readerSource
	section []byte
}

func (s *sectionSource) ReadAt(p []byte, off int64) (int, error) {
	return (&shrinkingReader{s.section, int64(len(s.section))}).ReadAt(p, off)
}

func TestTree(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 255, 256, 257, 511, 512, 1000, 65535, 65536, 65537, 70000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			section, root := storedTree(t, n)
			if want := reference(0, n); Hash(want) != root {
				t.Fatalf("root %s, want %x", root, want)
			}
			// A layout that puts the tree at the front of the section's reader.
			l := layout{slotSize: -preambleSize / 2, tree: int64(len(section)), payload: n * LeafSize}
			read := func(section []byte, leaf int64) (tlog.Hash, error) {
				return newTreeReader(&sectionSource{section: section}, l, root).digest(leaf)
			}
			for _, leaf := range []int64{0, n / 3, n / 2, n - 1} {
				got, err := read(section, leaf)
				if err != nil || got != recordHash(madeUpDigest(leaf)) {
					t.Errorf("leaf %d: %x, %v", leaf, got, err)
				}
			}
			section[(n/2)*tlog.HashSize] ^= 1
			if _, err := read(section, n/2); err == nil {
				t.Error("a changed hash was accepted")
			}
		})
	}
}
