// SPDX-License-Identifier: Apache-2.0

package mount

import "sync"

// maxFailures is how many failures are remembered. A program that goes on
// reading what cannot be read must not fill the log, nor the memory.
const maxFailures = 1000

// failures remembers what failed, so that each is logged once: the kernel asks
// again, for more or for less than before, and so do programs.
type failures struct {
	mu    sync.Mutex
	known map[failure]struct{}
}

// failure is one defect. Its reason says where it lies where that is known; the
// offset of the read that met it would tell one defect from itself.
type failure struct{ path, reason string }

// isNew reports whether a failure is to be logged, and remembers it.
func (f *failures) isNew(path, reason string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := failure{path, reason}
	if _, known := f.known[key]; known || len(f.known) >= maxFailures {
		return false
	}
	if f.known == nil {
		f.known = make(map[failure]struct{})
	}
	f.known[key] = struct{}{}
	return true
}
