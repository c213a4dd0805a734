// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"testing"
	"time"
)

// TestSlotCacheWaits makes the second reader of a key wait for the first: it gets
// what that one got, its error too, and nothing is loaded twice for it.
func TestSlotCacheWaits(t *testing.T) {
	failure := errors.New("storage")
	for _, fails := range []error{nil, failure} {
		c := newSlotCache[int](1, nil)
		loads, begun, goOn := 0, make(chan struct{}), make(chan struct{})
		first := func(int64) (int, error) {
			loads++
			close(begun)
			<-goOn
			return 7, fails
		}
		done := make(chan error, 1)
		got := make(chan int, 2)
		use := func(v int) { got <- v }
		go func() { done <- c.with(3, first, use) }()
		<-begun
		second := make(chan error, 1)
		go func() {
			second <- c.with(3, func(int64) (int, error) {
				t.Error("loaded twice")
				return 0, nil
			}, use)
		}()
		select {
		case err := <-second:
			t.Fatalf("the second did not wait: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		close(goOn)
		for _, err := range []error{<-done, <-second} {
			if !errors.Is(err, fails) {
				t.Errorf("%v, want %v", err, fails)
			}
		}
		if fails != nil {
			if len(got) != 0 {
				t.Errorf("%d readers got something", len(got))
			}
			continue
		}
		if loads != 1 || len(got) != 2 || <-got != 7 || <-got != 7 {
			t.Errorf("loaded %d times, %d values", loads, len(got))
		}
	}
}

// TestSlotCacheGoesAround gives a reader of another key its value while the slot of
// both waits for storage.
func TestSlotCacheGoesAround(t *testing.T) {
	c := newSlotCache[int64](1, nil)
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- c.with(3, func(int64) (int64, error) {
			close(begun)
			<-goOn
			return 3, nil
		}, func(int64) {})
	}()
	<-begun
	got := int64(0)
	check(t, c.with(4, func(key int64) (int64, error) { return 10 * key, nil }, func(v int64) { got = v }))
	if got != 40 {
		t.Errorf("got %d", got)
	}
	failure := errors.New("storage")
	if err := c.with(5, func(int64) (int64, error) { return 0, failure }, func(int64) { t.Error("used") }); !errors.Is(err, failure) {
		t.Error(err)
	}
	close(goOn)
	check(t, <-done)
}
