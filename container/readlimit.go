// SPDX-License-Identifier: Apache-2.0

package container

import "golang.org/x/mod/sumdb/tlog"

// LeastReadMemory is the least that Reader.LimitMemory holds to, in bytes: a buffer
// for a read of 1 MiB, one for the next, and some leaves and tiles.
const LeastReadMemory = 4 << 20

// tileMemory is what one of them takes, in bytes.
const tileMemory = tileWidth * tlog.HashSize

// LimitMemory keeps what reads have in memory below so many bytes, whatever the
// size of the package: half is for buffers of reads that are under way, the rest
// for leaves and tiles that were authenticated. Reads become no larger, only fewer
// at a time. It does not count the index, and is for before the first read.
func (r *Reader) LimitMemory(bytes int64) {
	p := r.contents().payload
	if p == nil {
		return // it was closed
	}
	bytes = max(bytes, LeastReadMemory)
	most := int64(cap(p.buffers.free))
	n := int(min(bytes/2/int64(p.buffers.fresh.size), most))
	p.buffers = newReadBuffers(n, p.buffers.fresh.size)
	p.buffers.fresh.count = min(p.buffers.fresh.count, n)
	leaves := min(bytes/4/int64(p.rooms.size), int64(len(p.cache.slots)))
	p.rooms.count = int(min(leaves+1, int64(p.rooms.count)))
	p.cache = newSlotCache(leaves, p.wipe)
	tiles := min(bytes/4/tileMemory, int64(len(p.tree.tiles.slots)))
	p.tree.tiles = newSlotCache(tiles, p.tree.tiles.drop)
}
