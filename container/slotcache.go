// SPDX-License-Identifier: Apache-2.0

package container

import "sync"

// slotCache keeps values that come from storage. A key has one slot, so that
// two readers of a key do not get its value twice: the second waits for the
// first. Nobody ever waits for another key's value, however long storage takes
// for that, and what a slot holds stays to be had until the next value is there.
type slotCache[V any] struct {
	slots []cacheSlot[V]
	drop  func(V) // takes back values that are not kept any more; may be nil
}

// cacheSlot is one place. Its lock is held to look and to copy, never to load.
type cacheSlot[V any] struct {
	mu      sync.Mutex
	filled  bool
	key     int64
	value   V
	loading *slotLoad // nil where nothing is under way
	closed  bool      // keeps nothing any more
}

// slotLoad is a value on its way into a slot.
type slotLoad struct {
	key  int64
	done chan struct{}
	err  error // set before done is closed
}

func newSlotCache[V any](slots int64, drop func(V)) *slotCache[V] {
	return &slotCache[V]{slots: make([]cacheSlot[V], slots), drop: drop}
}

// with hands the key's value to use, which must not keep it. Where the cache
// does not have it, load gets it; an error of its is not remembered.
func (c *slotCache[V]) with(key int64, load func(key int64) (V, error), use func(V)) error {
	s := &c.slots[key%int64(len(c.slots))]
	for {
		s.mu.Lock()
		if s.filled && s.key == key {
			use(s.value)
			s.mu.Unlock()
			return nil
		}
		under := s.loading
		switch {
		case under == nil:
			under = &slotLoad{key: key, done: make(chan struct{})}
			s.loading = under
			s.mu.Unlock()
			return c.fill(s, under, load, use)
		case under.key != key:
			s.mu.Unlock()
			return c.around(key, load, use)
		}
		s.mu.Unlock()
		<-under.done
		if under.err != nil {
			return under.err
		}
		// Another key may have taken the slot since; then it begins again.
	}
}

// fill loads a value into its slot.
func (c *slotCache[V]) fill(s *cacheSlot[V], under *slotLoad, load func(int64) (V, error), use func(V)) error {
	v, err := load(under.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loading, under.err = nil, err
	close(under.done)
	if err != nil {
		return err
	}
	use(v)
	if s.closed {
		c.release(v)
		return nil
	}
	if s.filled {
		c.release(s.value)
	}
	s.key, s.value, s.filled = under.key, v, true
	return nil
}

// around loads a value past its slot, which waits for another one.
func (c *slotCache[V]) around(key int64, load func(int64) (V, error), use func(V)) error {
	v, err := load(key)
	if err != nil {
		return err
	}
	use(v)
	c.release(v)
	return nil
}

func (c *slotCache[V]) release(v V) {
	if c.drop != nil {
		c.drop(v)
	}
}

// close gives all values back. What is still on its way is not kept.
func (c *slotCache[V]) close() {
	for i := range c.slots {
		s := &c.slots[i]
		s.mu.Lock()
		if s.filled {
			c.release(s.value)
		}
		s.filled, s.closed = false, true
		s.mu.Unlock()
	}
}
