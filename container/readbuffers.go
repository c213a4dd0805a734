// SPDX-License-Identifier: Apache-2.0

package container

import "time"

// minReadBuffers is how many reads can be under way whatever the number of
// processors, so that storage has several requests to work on.
const minReadBuffers = 8

// bufferPatience is how long a read waits for a buffer. Where reads only queue,
// one comes back far sooner; where none does, storage hangs.
const bufferPatience = 50 * time.Millisecond

// readBuffers is room for ciphertext. As many reads as there are buffers share
// the processors best, so the others wait, but not for storage that hangs:
// after some patience a read gets a spare buffer. There are never more than
// reads under way, and those the kernel bounds.
type readBuffers struct {
	fresh  *newBuffers
	free   chan []byte // never garbage, because fresh pages cost more than hashing
	spares chan []byte // kept only while no other is free
}

// readBuffer is one that was lent.
type readBuffer struct {
	data  []byte
	spare bool
}

func newReadBuffers(n, size int) *readBuffers {
	r := &readBuffers{fresh: &newBuffers{count: minReadBuffers, size: size}, free: make(chan []byte, n), spares: make(chan []byte, n)}
	for range n {
		r.free <- nil // made when first needed
	}
	return r
}

func (r *readBuffers) get() readBuffer {
	select {
	case b := <-r.free:
		return r.lent(b)
	default:
	}
	patience := time.NewTimer(bufferPatience)
	defer patience.Stop()
	select {
	case b := <-r.free:
		return r.lent(b)
	case b := <-r.spares:
		return readBuffer{b, true}
	case <-patience.C:
		return readBuffer{spareBuffer(r.fresh.size), true}
	}
}

func (r *readBuffers) lent(b []byte) readBuffer {
	if b == nil {
		b = r.fresh.get()
	}
	return readBuffer{b, false}
}

func (r *readBuffers) put(b readBuffer) {
	if !b.spare {
		r.free <- b.data
		return
	}
	if len(r.free) > 0 {
		return // storage answers again
	}
	select {
	case r.spares <- b.data:
	default:
	}
}
