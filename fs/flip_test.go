// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/tensorguard/tgsp/container"
)

// sampled is how many flips go by for one that is made in a short run. It
// divides no size of the format, so that every field gets some.
const sampled = 61

// flips counts what became of changed bytes.
type flips struct {
	total    atomic.Int64
	verified atomic.Int64 // refused by verify, as anybody can run it
	decrypts atomic.Int64 // given to verify with the identity
	contents atomic.Int64 // and refused by it
	closed   atomic.Int64 // not opened
	partly   atomic.Int64 // opened, and at least one file gave an error
	whole    atomic.Int64 // opened, and every file gave the bytes that were packed
}

// TestEveryFlippedByte changes every byte of a package in turn. No byte is
// exempt: verify refuses each change. With the identity, where it does the same
// and more, it refuses each before the payload and every eighth in it. A reader
// refuses a change or gives right bytes; it may give all of them only for what
// no reader needs, which is the free slot and the gap.
func TestEveryFlippedByte(t *testing.T) {
	variants(t, func(t *testing.T, p *packed) {
		step := int64(1)
		if testing.Short() {
			step = sampled
		}
		c, s := new(flips), p.sections()
		eachOf(t, s.end, step, func() func(int64) {
			w := newFlipWorker(t, p, c)
			return func(at int64) {
				delta := byte(at*37 + at>>8*11) // all kinds of changes, and the same in every run
				w.flip(at, max(delta, 1))
				if at < s.slotA+4096 { // preamble and envelope once more, as different as can be
					w.flip(at, 0xff)
				}
			}
		})
		total, needless := c.total.Load(), (s.index-s.slotB+s.payload-s.gap)/step
		t.Logf("%d flips: verify refuses %d, and with the identity %d of %d; %d do not open, %d refuse some files, %d read whole",
			total, c.verified.Load(), c.contents.Load(), c.decrypts.Load(), c.closed.Load(), c.partly.Load(), c.whole.Load())
		if c.verified.Load() != total || c.contents.Load() != c.decrypts.Load() {
			t.Error("verify accepts some")
		}
		if got := c.whole.Load(); got > needless+2 || total < (s.end+s.slotA)/step {
			t.Errorf("%d of %d flips read whole, and %d bytes are not needed to read", got, total, needless)
		}
	})
}

// flipWorker makes one flip after the other.
type flipWorker struct {
	t     *testing.T
	p     *packed
	count *flips
	src   *damaged
	body  *container.File // opened before anything was changed
	sections
	buf []byte
}

func newFlipWorker(t *testing.T, p *packed, c *flips) *flipWorker {
	w := &flipWorker{t: t, p: p, count: c, src: intact(p), sections: p.sections(), buf: make([]byte, 1<<17)}
	var err error
	if w.body, err = container.NewFile(w.src, w.end); err != nil {
		t.Error(err)
	}
	return w
}

// flip changes a byte and does all that can be done with the package.
func (w *flipWorker) flip(at int64, delta byte) {
	w.count.total.Add(1)
	w.src.at, w.src.delta = at, delta
	defer func() { w.src.at = -1 }()
	// Opening a file reads preamble and slots, and nothing else. For a byte
	// behind them it would find what it found before.
	f := w.body
	if at < w.index {
		var err error
		if f, err = container.NewFile(w.src, w.end); err != nil {
			w.count.verified.Add(1)
			w.count.closed.Add(1)
			return
		}
	}
	if w.p.verify(f, false) != nil {
		w.count.verified.Add(1)
	}
	if at < w.payload || at%8 == 0 {
		w.count.decrypts.Add(1)
		if w.p.verify(f, true) != nil {
			w.count.contents.Add(1)
		}
	}
	w.read(at, f)
}

// read opens the contents and reads them.
func (w *flipWorker) read(at int64, f *container.File) {
	if at < w.index && at%16 != 0 {
		// Of the slots a reader takes the envelope alone. Where that is the one
		// that was packed, reading goes on as in the whole package.
		if w.acceptsOther(f) {
			w.t.Errorf("byte %d: another envelope is accepted", at)
		}
		w.count.whole.Add(1)
		return
	}
	r, err := w.p.reader(f)
	if err != nil {
		w.count.closed.Add(1)
		return
	}
	what := fmt.Sprintf("byte %d", at)
	if w.p.readAll(w.t, what, r, w.buf) == 0 {
		w.count.whole.Add(1)
		if at < w.slotB || at >= w.index && at < w.gap || at >= w.payload {
			w.t.Errorf("%s: every file reads", what)
		}
		return
	}
	w.count.partly.Add(1)
}

func (w *flipWorker) acceptsOther(f *container.File) bool {
	a, err := f.Accept(w.p.trust)
	return err == nil && (a.ManifestHash() != w.body.Claims().ManifestHash() || a.Generation() != 1)
}
