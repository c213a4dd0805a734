// SPDX-License-Identifier: Apache-2.0

package container

import "runtime"

// processors is how much work can go on at a time. It is asked for once, at the
// start: a program may later allow more threads than there are processors, so
// that some can wait in reads.
var processors = runtime.GOMAXPROCS(0)

// maxWorkers bounds a pipeline's memory on machines with many processors. So
// many hash faster than storage reads.
const maxWorkers = 16

// pipelineWorkers returns how many workers a pipeline has: two for each
// processor, because one of them waits for storage.
func pipelineWorkers() int { return min(2*processors, maxWorkers) }
