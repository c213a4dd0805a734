// SPDX-License-Identifier: Apache-2.0

package mount

import "sync"

// maxFailures is how many places are remembered. A program that goes on reading
// what cannot be read must not fill the log, nor the memory.
const maxFailures = 1000

// failures remembers where reads failed, so that each place is logged once: the
// kernel asks again, and so do programs.
type failures struct {
	mu    sync.Mutex
	known map[failure]struct{}
}

type failure struct {
	path string
	off  int64
}

// isNew reports whether a place is to be logged, and remembers it.
func (f *failures) isNew(path string, off int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := failure{path, off}
	if _, known := f.known[key]; known || len(f.known) >= maxFailures {
		return false
	}
	if f.known == nil {
		f.known = make(map[failure]struct{})
	}
	f.known[key] = struct{}{}
	return true
}
