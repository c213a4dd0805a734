// SPDX-License-Identifier: Apache-2.0

package container

import (
	"sync"
	"time"
)

// minReadBuffers is how many reads can be under way whatever the number of
// processors, so that storage has several requests to work on.
const minReadBuffers = 8

// bufferPatience is how long a read waits for a buffer. Where reads only queue,
// one comes back far sooner; where none does, storage hangs.
const bufferPatience = 50 * time.Millisecond

// readBuffers is room for ciphertext, and for the plaintext that is decrypted in its
// place. As many reads as there are buffers share the processors best, so the others
// wait, but not for storage that hangs: after some patience a read gets a spare
// buffer. There are never more than reads under way, and those the kernel bounds.
type readBuffers struct {
	fresh  *newBuffers
	free   chan *readBuffer // never garbage, because fresh pages cost more than hashing
	spares chan *readBuffer // kept only while no other is free

	mu     sync.Mutex // orders put and close
	closed bool
}

// readBuffer is one of them.
type readBuffer struct {
	data   []byte // page-aligned; none until it is first needed
	spare  bool
	pieces [][]byte // for View
}

func newReadBuffers(n, size int) *readBuffers {
	r := &readBuffers{fresh: &newBuffers{count: minReadBuffers, size: size}, free: make(chan *readBuffer, n), spares: make(chan *readBuffer, n)}
	for range n {
		r.free <- new(readBuffer)
	}
	return r
}

func (r *readBuffers) get() *readBuffer {
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
		return b
	case <-patience.C:
		return &readBuffer{data: spareBuffer(r.fresh.size), spare: true}
	}
}

func (r *readBuffers) lent(b *readBuffer) *readBuffer {
	if b.data == nil {
		b.data = r.fresh.get()
	}
	return b
}

func (r *readBuffers) put(b *readBuffer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		clear(b.data)
	}
	if !b.spare {
		r.free <- b
		return
	}
	if len(r.free) > 0 {
		return // storage answers again
	}
	select {
	case r.spares <- b:
	default:
	}
}

// close overwrites what the buffers hold, those that are lent when they come back.
func (r *readBuffers) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for _, c := range []chan *readBuffer{r.free, r.spares} {
		for range len(c) {
			select {
			case b := <-c:
				clear(b.data)
				c <- b
			default: // it was lent meanwhile
			}
		}
	}
}
