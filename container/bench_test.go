// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"testing"
)

// BenchmarkReadFileAt reads a file of 64 MiB front to end in pieces of the size
// that a mount asks for, and in pages.
func BenchmarkReadFileAt(b *testing.B) {
	const size = 64 << 20
	for _, h := range LeafHashes() {
		x := pack(b, randomFiles(map[string]int{"w": size}), func(o *PackOptions) { o.LeafHash = h })
		r, err := x.open(x.bytes(b))
		check(b, err)
		for _, piece := range []int{1 << 20, 4096} {
			b.Run(fmt.Sprintf("%s/%d", h, piece), func(b *testing.B) {
				p := make([]byte, piece)
				b.SetBytes(int64(piece))
				off := int64(0)
				for b.Loop() {
					if _, err := r.ReadFileAt(0, p, off); err != nil {
						b.Fatal(err)
					}
					off = (off + int64(piece)) % size
				}
			})
		}
	}
}
