// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
)

// A disk stores sectors whole or not at all, in any order between two syncs.
const sectorSize = 512

// simDisk is a file on a simulated disk. Programs read what was written last;
// what a power failure leaves is one of the contents that the disk may hold.
type simDisk struct {
	cache []byte           // what programs read
	disk  []byte           // the sectors that are not in maybe
	maybe map[int][][]byte // contents that an unsynced sector may have, oldest first
	dirty map[int]bool     // sectors that the next sync stores
	ops   int              // writes and syncs so far
	hook  diskHook
}

// diskHook stands before each write (data is not nil) and each sync. It returns
// how much of the write is done, and an error that the operation then gives.
type diskHook func(d *simDisk, data []byte, off int64) (int, error)

func newSimDisk(image []byte) *simDisk {
	return &simDisk{cache: bytes.Clone(image), disk: bytes.Clone(image), maybe: map[int][][]byte{}, dirty: map[int]bool{}}
}

// clone returns the disk as the next program finds it.
func (d *simDisk) clone() *simDisk {
	maybe := maps.Clone(d.maybe)
	for s, versions := range maybe {
		maybe[s] = slices.Clip(versions)
	}
	return &simDisk{cache: bytes.Clone(d.cache), disk: bytes.Clone(d.disk), maybe: maybe, dirty: maps.Clone(d.dirty)}
}

func (d *simDisk) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(d.cache).ReadAt(p, off)
}

func (d *simDisk) WriteAt(p []byte, off int64) (int, error) {
	n, err := len(p), error(nil)
	d.ops++
	if d.hook != nil {
		n, err = d.hook(d, p, off)
	}
	d.apply(p[:n], off)
	return n, err
}

// apply writes whole sectors.
func (d *simDisk) apply(p []byte, off int64) {
	for ; len(p) > 0; off += sectorSize {
		n := min(sectorSize, len(p))
		s := int(off / sectorSize)
		if d.dirty[s] = true; d.maybe[s] == nil {
			d.maybe[s] = [][]byte{bytes.Clone(d.sector(d.disk, s))}
		}
		copy(d.cache[off:], p[:n])
		now := bytes.Clone(d.sector(d.cache, s))
		if !slices.ContainsFunc(d.maybe[s], func(v []byte) bool { return bytes.Equal(v, now) }) {
			d.maybe[s] = append(d.maybe[s], now)
		}
		p = p[n:]
	}
}

func (d *simDisk) sector(b []byte, s int) []byte {
	return b[s*sectorSize : min((s+1)*sectorSize, len(b))]
}

// Sync stores what was written since the last one. One that fails stores
// anything of it or nothing, and the next does not try again, as on Linux.
func (d *simDisk) Sync() error {
	d.ops++
	if d.hook != nil {
		if _, err := d.hook(d, nil, 0); err != nil {
			clear(d.dirty)
			return err
		}
	}
	for s := range d.dirty {
		copy(d.sector(d.disk, s), d.sector(d.cache, s))
		delete(d.maybe, s)
	}
	clear(d.dirty)
	return nil
}

// images calls each with what a power failure may leave. All combinations are
// tried where they are at most limit. Otherwise: the first and the last sectors
// of every number, all but one, only one, and random halves.
func (d *simDisk) images(limit int, random *rand.Rand, each func(image []byte)) {
	var open []int
	combinations := 1
	for _, s := range slices.Sorted(maps.Keys(d.maybe)) {
		if n := len(d.maybe[s]); n > 1 {
			open = append(open, s)
			combinations = min(combinations*n, limit+1)
		}
	}
	state := func(version func(i, n int) int) {
		image := bytes.Clone(d.disk)
		for i, s := range open {
			copy(d.sector(image, s), d.maybe[s][version(i, len(d.maybe[s]))])
		}
		each(image)
	}
	if combinations <= limit {
		for c := range combinations {
			rest := c
			state(func(_, n int) int {
				v := rest % n
				rest /= n
				return v
			})
		}
		return
	}
	newest := func(yes bool, n int) int {
		if yes {
			return n - 1
		}
		return 0
	}
	for k := range len(open) + 1 {
		state(func(i, n int) int { return newest(i < k, n) })
		state(func(i, n int) int { return newest(i >= k, n) })
		state(func(i, n int) int { return newest(i != k, n) })
		state(func(i, n int) int { return newest(i == k, n) })
	}
	for range limit / 4 {
		state(func(_, n int) int { return random.IntN(n) })
	}
}
