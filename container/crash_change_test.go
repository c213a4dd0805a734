// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"
	"testing/cryptotest"
)

// TestCutOffChanges cuts every change off at every write and sync, in every way
// that a disk may then be left in, and lets each write and sync fail. What is
// left opens as before the change or as after it, and the next try succeeds, cut
// off in its turn wherever that may be.
func TestCutOffChanges(t *testing.T) {
	m := newCrashModel(t)
	starts := m.starts(t)
	for name, change := range m.changes() {
		for from, image := range starts {
			if !worthwhile(name, from) {
				continue
			}
			t.Run(name+" from "+from, func(t *testing.T) {
				e := &crashes{
					T: t, crashModel: m, change: change, start: image, sign: name == "sign",
					seen: map[[32]byte]bool{}, random: rand.New(rand.NewPCG(1, 2)), limit: 64,
				}
				e.explore()
				t.Logf("%d writes and syncs, %d points, %d states, %d of them different", e.ops, e.points, e.states, len(e.seen))
			})
		}
	}
}

// worthwhile leaves out what only repeats: how a start is taken does not depend
// on the change that follows, and the changes differ in what they write alone.
func worthwhile(name, from string) bool {
	common := from == "generation 1 in A" || from == "generation 2 in B" || from == "both in use"
	switch name {
	case "add", "repair":
		return common || !testing.Short()
	case "add large", "add many":
		return from == "generation 1 in A" && !testing.Short()
	}
	return common && (from != "both in use" || !testing.Short())
}

// crashes explores one change from one start.
type crashes struct {
	*testing.T
	*crashModel
	change        func(*Change) error
	sign          bool // the change is refused where it was made already
	start         []byte
	before, after view
	ops           int // of the undisturbed change
	limit         int // of combinations of sectors that are all tried
	random        *rand.Rand
	seen          map[[32]byte]bool // states that were checked
	points        int
	states        int
}

func (e *crashes) explore() {
	e.before = e.look(e.T, e.start)
	for _, origin := range append(e.killed(), e.failed()...) {
		e.points++
		e.allowed(e.look(e.T, origin.cache))
		e.powerFails(origin)
		e.next(origin, e.change)
		e.next(origin, func(*Change) error { return nil })
	}
}

// killed returns the disk at each point at which the program may be killed.
// Without a power failure, what was written stays.
func (e *crashes) killed() (origins []*simDisk) {
	d := newSimDisk(e.start)
	d.hook = func(d *simDisk, data []byte, off int64) (int, error) {
		origins = append(origins, d.clone())
		for n := sectorSize; n < len(data); n += sectorSize {
			if bytes.Equal(data[n-sectorSize:n], d.cache[off+int64(n-sectorSize):off+int64(n)]) {
				continue // what is written there stands there
			}
			torn := d.clone()
			torn.apply(data[:n], off)
			origins = append(origins, torn)
		}
		return len(data), nil
	}
	cryptotest.SetGlobalRandom(e.T, 1)
	check(e.T, e.through(d, e.change))
	e.ops = d.ops
	e.after = e.look(e.T, d.cache)
	check(e.T, e.verifyImage(e.T, d.cache))
	return append(origins, d.clone())
}

// failed returns the disk after each write and sync that may fail.
func (e *crashes) failed() (origins []*simDisk) {
	for op := 1; op <= e.ops; op++ {
		for _, part := range []int{0, sectorSize, 2 * sectorSize, 1 << 30} {
			want := []error{syscall.EIO, syscall.ENOSPC}[op%2]
			d := newSimDisk(e.start)
			isSync := false
			d.hook = func(d *simDisk, data []byte, _ int64) (int, error) {
				if d.ops < op {
					return len(data), nil
				}
				isSync = data == nil
				return min(part, len(data)), want
			}
			cryptotest.SetGlobalRandom(e.T, 1)
			c, err := e.begin(d)
			if err == nil {
				err = e.change(c)
			}
			if !errors.Is(err, want) {
				e.Fatalf("operation %d fails and the change gives %v", op, err)
			}
			if d.ops != op {
				e.Fatalf("operation %d failed and %d more followed", op, d.ops-op)
			}
			origins = append(origins, d.clone())
			if c != nil {
				e.again(c, d)
			}
			if isSync {
				break // it has no parts
			}
		}
	}
	return origins
}

// again tries the change once more in the program in which it has failed.
func (e *crashes) again(c *Change, d *simDisk) {
	e.watch(d)
	present := e.look(e.T, d.cache)
	e.succeeds(e.change(c), present)
	e.allowed(e.look(e.T, d.cache))
	e.powerFails(d)
}

// next lets another program go on where one was cut off: with a change, or with
// a repair, which has no more to do than to begin one.
func (e *crashes) next(origin *simDisk, change func(*Change) error) {
	d := origin.clone()
	present := e.look(e.T, d.cache)
	e.watch(d)
	e.succeeds(e.through(d, change), present)
	e.whole(d.cache)
	e.powerFails(d)
}

// watch has the power fail before each sync, where most is at stake.
func (e *crashes) watch(d *simDisk) {
	cryptotest.SetGlobalRandom(e.T, 2)
	d.hook = func(d *simDisk, data []byte, _ int64) (int, error) {
		if data == nil {
			e.powerFails(d)
		}
		return len(data), nil
	}
}
