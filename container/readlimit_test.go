// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
)

// TestLimitedReads reads with as little memory as can be had, from many goroutines:
// all bytes are the same, and what is kept stays below the limit.
func TestLimitedReads(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 100*leafPlaintext + 100}), nil)
	for _, limit := range []int64{0, LeastReadMemory, 10 << 20, 1 << 30} {
		r, err := x.open(x.bytes(t))
		check(t, err)
		r.LimitMemory(limit)
		p := r.contents().payload
		kept := int64(cap(p.buffers.free)*p.buffers.fresh.size+len(p.cache.slots)*p.rooms.size) + int64(len(p.tree.tiles.slots))*tileMemory
		if kept > max(limit, LeastReadMemory) || cap(p.buffers.free) == 0 || len(p.cache.slots) == 0 || len(p.tree.tiles.slots) == 0 {
			t.Errorf("limit of %d: %d buffers, %d leaves, %d tiles, %d bytes", limit, cap(p.buffers.free), len(p.cache.slots), len(p.tree.tiles.slots), kept)
		}
		var wait sync.WaitGroup
		for seed := range uint64(16) {
			wait.Go(func() {
				random := rand.New(rand.NewPCG(seed, 0))
				for range 8 {
					off, n := random.IntN(len(x.files["w"])), 1+random.IntN(1<<20)
					want := x.files["w"][off:min(off+n, len(x.files["w"]))]
					got := make([]byte, len(want))
					if _, err := r.ReadFileAt(0, got, int64(off)); err != nil || !bytes.Equal(got, want) {
						t.Errorf("limit of %d: %d bytes at %d: %v", limit, n, off, err)
					}
				}
			})
		}
		wait.Wait()
		check(t, r.Close())
		r.LimitMemory(limit) // changes nothing any more
	}
}
