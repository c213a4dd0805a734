// SPDX-License-Identifier: Apache-2.0

// The race detector allocates by itself.
//go:build !race

package container

import "testing"

// TestReadAllocatesNothing reads whole leaves and parts of leaves that are cached, as
// often as a mount is asked. Only where idle processors share a batch does each take
// a few small objects.
func TestReadAllocatesNothing(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 4 << 20}), nil)
	r, err := x.open(x.bytes(t))
	check(t, err)
	defer r.Close() // only read
	for what, c := range map[string]struct {
		size       int
		off        int64
		processors int
		most       float64
	}{"a batch": {batchPlaintext, 0, 1, 0}, "a batch, shared": {batchPlaintext, 0, 2, 5}, "one leaf": {leafPlaintext, 0, 2, 0}, "a cached page": {4096, 100, 2, 0}} {
		withProcessors(t, c.processors)
		buf := make([]byte, c.size)
		n := testing.AllocsPerRun(50, func() {
			if _, err := r.ReadFileAt(0, buf, c.off); err != nil {
				t.Error(err)
			}
		})
		if n > c.most {
			t.Errorf("%s: %v allocations, want %v", what, n, c.most)
		}
	}
}
