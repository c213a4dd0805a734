// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// TestFailedLoadKeepsItsRoom makes sure that the room for a leaf that could not be
// read is wiped and used again.
func TestFailedLoadKeepsItsRoom(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 2 * leafPlaintext}), nil)
	data := x.bytes(t)
	r, err := x.open(data)
	check(t, err)
	data[mustLayout(t, data).payloadOffset()] ^= 1
	room := &cachedLeaf{room: bytes.Repeat([]byte{1}, leafRoom)}
	r.contents().payload.unused <- room
	if _, err := r.ReadFileAt(0, make([]byte, 10), 5); !errors.As(err, new(*AlteredError)) {
		t.Errorf("an altered leaf: %v", err)
	}
	if unused := r.contents().payload.unused; len(unused) != 1 || room != <-unused || room.cipher != nil {
		t.Error("the room did not come back, or not empty")
	}
}

// TestClosedCacheKeepsNothing loads values before a cache is closed, meanwhile and
// after that. Each is used, and given back once.
func TestClosedCacheKeepsNothing(t *testing.T) {
	var used, dropped []int
	c := newSlotCache(2, func(v int) { dropped = append(dropped, v) })
	load := func(key int64) (int, error) { return int(key), nil }
	use := func(v int) { used = append(used, v) }
	check(t, c.with(1, load, use))
	check(t, c.with(2, func(key int64) (int, error) {
		c.close()
		return load(key)
	}, use))
	if want := []int{1, 2}; !slices.Equal(used, want) || !slices.Equal(dropped, want) {
		t.Errorf("used %v, given back %v, want %v", used, dropped, want)
	}
	check(t, c.with(1, load, use))
	check(t, c.with(1, load, use))
	c.close()
	if want := []int{1, 2, 1, 1}; !slices.Equal(used, want) || !slices.Equal(dropped, want) {
		t.Errorf("used %v, given back %v, want %v", used, dropped, want)
	}
}

// TestValuesPastASlotAreGivenBack loads one key while its slot waits for another.
func TestValuesPastASlotAreGivenBack(t *testing.T) {
	var dropped []int
	c := newSlotCache(1, func(v int) { dropped = append(dropped, v) })
	load := func(key int64) (int, error) { return int(key), nil }
	check(t, c.with(1, func(key int64) (int, error) {
		used := 0
		err := c.with(2, load, func(v int) { used = v })
		if err != nil || used != 2 || !slices.Equal(dropped, []int{2}) {
			t.Errorf("used %d, given back %v, %v", used, dropped, err)
		}
		return load(key)
	}, func(int) {}))
	if c.close(); !slices.Equal(dropped, []int{2, 1}) {
		t.Errorf("given back: %v", dropped)
	}
}
