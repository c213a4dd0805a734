// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	tgspfs "github.com/tensorguard/tgsp/fs"
)

// variants packs a small model with every suite and leaf hash. Its payload has
// five chunks in two leaves, and one of the files lies in both leaves.
func variants(t *testing.T, run func(t *testing.T, p *packed)) {
	// Each flip opens a package anew, in some 300 KB. Collecting them as often
	// as a program would takes longer than the flips.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	random := rand.NewChaCha8([32]byte{2})
	files := map[string][]byte{"config": make([]byte, 300), "empty": {}, "model/weights": make([]byte, 65300), "tokens": make([]byte, 40)}
	for _, data := range files {
		random.Read(data) //nolint:errcheck // never fails
	}
	for _, suite := range tgspcrypto.Suites() {
		for _, hash := range container.LeafHashes() {
			t.Run(fmt.Sprintf("%s/%s", suite, hash), func(t *testing.T) {
				run(t, pack(t, files, container.PackOptions{Suite: suite, LeafHash: hash}))
			})
		}
	}
}

// damaged is a package with one byte changed, or cut off, without a copy of it.
type damaged struct {
	data  []byte
	at    int64 // of the byte that is changed, or -1
	delta byte  // what it is changed by
	limit int64 // where the data ends
}

func intact(p *packed) *damaged {
	return &damaged{data: p.data, at: -1, limit: int64(len(p.data))}
}

func (d *damaged) ReadAt(p []byte, off int64) (int, error) {
	if off >= d.limit {
		return 0, io.EOF
	}
	n := copy(p, d.data[off:d.limit])
	if i := d.at - off; d.at >= 0 && i >= 0 && i < int64(n) {
		p[i] ^= d.delta
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// eachOf hands the numbers below n to a worker on each processor. A test that
// failed often enough ends early.
func eachOf(t *testing.T, n, step int64, worker func() func(i int64)) {
	const piece = 512
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			do := worker()
			for {
				from := next.Add(piece*step) - piece*step
				if from >= n || t.Failed() {
					return
				}
				for i := from; i < min(n, from+piece*step); i += step {
					do(i)
				}
			}
		})
	}
	wg.Wait()
}

// readAll reads all files of a package through an FS. It returns how many gave
// an error; those may have given some bytes, and no byte may be wrong.
func (p *packed) readAll(t *testing.T, what string, r *container.Reader, buf []byte) (refused int) {
	f := tgspfs.New(r)
	for name, want := range p.files {
		file, err := f.Open(name)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return refused
		}
		got := buf[:len(want)]
		n, err := file.(io.ReaderAt).ReadAt(got, 0)
		if !bytes.Equal(got[:n], want[:n]) {
			t.Errorf("%s: %s gave a wrong byte", what, name)
		}
		if n < len(want) {
			refused++
			if !errors.As(err, new(*container.AlteredError)) {
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
	return refused
}
