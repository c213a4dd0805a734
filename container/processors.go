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

// packWorkers returns how many workers a pipeline has that encrypts.
func packWorkers() int { return min(2*processors, maxWorkers) }

// verifyWorkers returns how many workers a pipeline has that reads and decrypts:
// one more than there are processors, because one waits for storage. With twice as
// many the batches are on more memory than the processors' caches hold, and it
// takes some 7 % longer.
func verifyWorkers() int { return min(processors+1, maxWorkers) }
