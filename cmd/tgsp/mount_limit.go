// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/mount"
)

const (
	// programMemory is what a process has in memory that serves a package of one file
	// and is not asked for anything: the program itself, of which the system shares
	// the code with others, and what Go's runtime takes.
	programMemory = 28 << 20
	// codeMemory is the part of it that Go's limit does not know of.
	codeMemory = 15 << 20
	// fewFiles is the part of it that is for a package's files, as planMemory counts.
	fewFiles = 7 << 20
	// leastServing is what serving takes beside that, at the least.
	leastServing = mount.LeastMemory + container.LeastReadMemory + slack
	// slack is what the collector leaves for a while.
	slack = 4 << 20
	// entryMemory is what the folder and the kernel's knowledge of it take for a file
	// beside the package's index, with its share of what the collector has yet to find.
	entryMemory = 1 << 10
)

// parseMemory reads --memory-limit, a number of bytes with a unit.
func parseMemory(s string) (int64, error) {
	number, shift := s, 0
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n, found := strings.CutSuffix(s, unit); found {
			number, shift = n, 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64>>shift {
		return 0, usagef("--memory-limit %q: want a size, such as 64MiB or 1GiB", s)
	}
	n <<= shift
	if least := int64(programMemory + leastServing); n < least {
		return 0, tooLittleMemory(s, least)
	}
	return n, nil
}

// tooLittleMemory refuses a limit with the least that works.
func tooLittleMemory(given string, least int64) error {
	mebibytes := (least + 1<<20 - 1) >> 20
	return withHint(usagef("--memory-limit %s is too little: serving takes %d MiB at the least", given, mebibytes), "use: --memory-limit %dMiB", mebibytes)
}

// memoryPlan is what the parts of a process that serves may take, in bytes. The zero
// value is for no limit.
type memoryPlan struct {
	limit   int64 // of the whole process
	reads   int64 // see container.Reader.LimitMemory
	serving int64 // see mount.Options
}

// planMemory divides the limit when the package is open: what its files take is not
// known before.
func (o *mountOptions) planMemory(reader *container.Reader) (p memoryPlan, err error) {
	if o.memory == 0 {
		return p, nil
	}
	files := max(0, 2*heapInUse()+entryMemory*int64(len(reader.Files())+len(reader.Folders()))-fewFiles)
	rest := o.memory - programMemory - files - slack
	if short := leastServing - slack - rest; short > 0 {
		return p, tooLittleMemory(o.memoryLimit, o.memory+short)
	}
	reads := max(rest/3, container.LeastReadMemory)
	reader.LimitMemory(reads)
	return memoryPlan{o.memory, reads, rest - reads}, nil
}

// heapInUse is what the program has allocated and still needs, in bytes.
func heapInUse() int64 {
	for range 2 { // what is kept in pools outlives one collection
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below the limit
}

// startLimit has the collector keep to the limit from the start, while the package is
// opened as well.
func (o *mountOptions) startLimit() {
	if o.memory > 0 {
		debug.SetMemoryLimit(o.memory - codeMemory)
	}
}
