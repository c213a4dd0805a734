// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"runtime"
	"runtime/debug"
)

// Room for what serving takes beside the package's index: buffers of reads that
// are under way or wait for a processor, a megabyte or two each. Four programs
// that read large files at once take some 50 MiB of it. Far less than is needed
// would keep the collector busy, at the cost of half the speed.
const (
	serveMemory        = 64 << 20
	memoryPerProcessor = 2 << 20
)

// limitMemory makes the collector run in time when many programs read at once.
// The FUSE library keeps its buffers by size, in pools that only the collector
// empties, and the collector alone would wait until twice of what it left the
// last time has piled up, pools included: 600 MB were seen. Locked memory does not
// go back to the system either, so the most that it ever was is what it stays. The
// limit is soft, and GOMEMLIMIT goes before it.
func (s *service) limitMemory() {
	if s.plan.limit > 0 {
		s.logger.Info("memory is limited", "limit", byteCount(s.plan.limit), "requests", byteCount(s.plan.serving), "reads", byteCount(s.plan.reads))
		return // see startLimit
	}
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return
	}
	debug.SetMemoryLimit(2*heapInUse() + serveMemory + memoryPerProcessor*int64(runtime.GOMAXPROCS(0)))
}

// releaseMemory gives memory that nothing leads to any more back to the system,
// which wipes it. Locked memory cannot be given back.
func releaseMemory() {
	unlockMemory()
	for range 2 { // the pools of buffers outlive one collection
		runtime.GC()
	}
	debug.FreeOSMemory()
}
