// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tensorguard/tgsp/container"
)

// TestEveryLength cuts a package to every length, and lets it grow by 1 to 64
// bytes. None opens, so none is verified or read.
func TestEveryLength(t *testing.T) {
	variants(t, func(t *testing.T, p *packed) {
		var refused atomic.Int64
		size := int64(len(p.data))
		try := func(data []byte) {
			if _, err := container.NewFile(bytes.NewReader(data), int64(len(data))); err == nil {
				t.Errorf("%d bytes instead of %d open", len(data), size)
				return
			}
			refused.Add(1)
		}
		eachOf(t, size, 1, func() func(int64) {
			return func(n int64) { try(p.data[:n]) }
		})
		for _, filling := range []byte{0, 1, 0xff} {
			for extra := 1; extra <= 64; extra++ {
				try(append(bytes.Clone(p.data), bytes.Repeat([]byte{filling}, extra)...))
			}
		}
		t.Logf("%d lengths refused", refused.Load())
	})
}

// TestShrinksWhileOpen cuts a package after it was opened. Verify refuses it,
// and reads give right bytes or an error.
func TestShrinksWhileOpen(t *testing.T) {
	variants(t, func(t *testing.T, p *packed) {
		s := p.sections()
		step := int64(31)
		if testing.Short() {
			step *= sampled
		}
		var cuts, partly atomic.Int64
		eachOf(t, s.end, step, func() func(int64) {
			src, buf := intact(p), make([]byte, 1<<17)
			return func(n int64) {
				what := fmt.Sprintf("cut to %d", n)
				cuts.Add(1)
				src.limit = s.end
				f, err := container.NewFile(src, s.end)
				if err != nil {
					t.Error(err)
					return
				}
				r, err := p.reader(f)
				if err != nil {
					t.Error(err)
					return
				}
				src.limit = n
				if p.verify(f, false) == nil || p.verify(f, true) == nil {
					t.Errorf("%s: verify accepts it", what)
				}
				if p.readAll(t, what, r, buf) == 0 {
					t.Errorf("%s: every file reads", what)
				} else {
					partly.Add(1)
				}
				if _, err := p.reader(f); err == nil && n < s.tree {
					t.Errorf("%s: the contents open", what)
				}
			}
		})
		t.Logf("%d cuts refused, in %d of which files gave errors", cuts.Load(), partly.Load())
	})
}
