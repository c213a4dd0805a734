// SPDX-License-Identifier: Apache-2.0

package container

import "sync/atomic"

// ReadStats counts what a Reader has done since it was opened, in bytes but for the
// cache. The tree's own hashes are not counted.
type ReadStats struct {
	Hashed    int64 // ciphertext that was found to be what the author signed, or not
	Decrypted int64 // plaintext
	// Reads of parts of leaves: those whose leaf was in memory already, and those for
	// which it had to be read.
	CacheHits, CacheMisses int64
}

// readCounters is ReadStats while it counts.
type readCounters struct{ hashed, decrypted, lookups, loads atomic.Int64 }

func (c *readCounters) stats() ReadStats {
	loads := c.loads.Load() // first: it is never the larger one then
	return ReadStats{Hashed: c.hashed.Load(), Decrypted: c.decrypted.Load(), CacheHits: max(0, c.lookups.Load()-loads), CacheMisses: loads}
}

// Stats returns what was counted. After Close there is nothing any more.
func (r *Reader) Stats() ReadStats {
	c := r.opened.Load()
	if c == nil {
		return ReadStats{}
	}
	return c.payload.counters.stats()
}
