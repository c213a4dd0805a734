// SPDX-License-Identifier: Apache-2.0

package model

import "fmt"

// TinySize is the size in bytes of every file that [Tiny] writes.
const TinySize = 1024

// Tiny writes n files of [TinySize] bytes into dir, a hundred to a folder. Every
// path below dir is 40 bytes long, the length for which the format states its
// overhead.
func Tiny(dir string, seed uint64, n int) (Summary, error) {
	if n < 0 || n > 1_000_000 {
		return Summary{}, fmt.Errorf("tiny model: %d files, want 0 to 1000000", n)
	}
	w := newWriter(dir, seed)
	w.folder(".")
	for i := 0; i < n && w.err == nil; i++ {
		w.random(fmt.Sprintf("adapters-%05d/lora-%06d-of-%06d.bin", i/100, i, n), TinySize, 0o644)
	}
	return w.sum, w.err
}
