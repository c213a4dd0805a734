// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
)

// countingReader counts what is read of a package's payload.
type countingReader struct {
	*bytes.Reader
	from         int64
	reads, bytes atomic.Int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	if off+int64(n) > c.from {
		c.reads.Add(1)
		c.bytes.Add(int64(n))
	}
	return n, err
}

// TestSequentialReadCosts reads files from start to end as a mount does, by requests
// of several sizes. Files begin in the middle of a leaf, too, and still no byte of
// the package is read twice, so none is hashed or decrypted twice.
func TestSequentialReadCosts(t *testing.T) {
	const size = 16 << 20
	x := pack(t, randomFiles(map[string]int{"a": 12345, "b": size, "c": size + 4321}), nil)
	data := x.bytes(t)
	for _, request := range []int{128 << 10, 1 << 20} {
		t.Run(fmt.Sprint(request), func(t *testing.T) {
			src := &countingReader{Reader: bytes.NewReader(data), from: mustLayout(t, data).payloadOffset()}
			r, err := x.openFrom(src, int64(len(data)))
			check(t, err)
			defer r.Close() // only read
			var served, requests int64
			buf := make([]byte, request)
			for i := range r.Files() {
				for off := int64(0); ; off += int64(request) {
					n, err := r.ReadFileAt(i, buf, off)
					if err != nil && !errors.Is(err, io.EOF) {
						t.Fatal(err)
					}
					served += int64(n)
					requests++
					if n < len(buf) {
						break
					}
				}
			}
			over, perRequest := float64(src.bytes.Load())/float64(served), float64(src.reads.Load())/float64(requests)
			t.Logf("%d bytes in %d requests: %.4f bytes of the package for one served, %.2f reads for a request", served, requests, over, perRequest)
			most := 1.02
			if request < 1<<20 { // each read takes up to two pages more, to be direct
				most = 1.05
			}
			if over > most || perRequest > 2.1 {
				t.Errorf("%.4f bytes of the package for one served, want %.2f; %.2f reads for a request, want 2.1", over, most, perRequest)
			}
		})
	}
}
