// SPDX-License-Identifier: Apache-2.0

package container

import (
	"runtime"
	"testing"
)

// Reads that fail leave neither memory nor goroutines behind.
func TestFailedReadsLeaveNothing(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"w": 4 << 20}), nil)
	data := x.bytes(t)
	r, err := x.open(data)
	check(t, err)
	clear(data[mustLayout(t, data).payloadOffset():])
	fail := func() (heap uint64, goroutines int) {
		p := make([]byte, 1<<20)
		for i := range int64(2000) {
			n := []int64{1, 4096, 1 << 20}[i%3]
			if _, err := r.ReadFileAt(0, p[:n], i*1000); err == nil {
				t.Fatalf("%d bytes at %d of nothing", n, i*1000)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc, runtime.NumGoroutine()
	}
	heap, goroutines := fail()
	nowHeap, nowGoroutines := fail()
	runtime.KeepAlive(r)
	// A hundred bytes for each read would be 200,000.
	if nowHeap > heap+100_000 || nowGoroutines > goroutines {
		t.Errorf("%d bytes and %d goroutines became %d and %d", heap, goroutines, nowHeap, nowGoroutines)
	}
}
