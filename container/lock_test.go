// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLockWaits gives the lock to whoever waits for it when it is free.
func TestLockWaits(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		check(t, err)
		t.Cleanup(func() { f.Close() }) // nothing was written
		return f
	}
	first, second := open(), open()
	check(t, tryLock(first, true))
	unlocked := make(chan error, 1)
	go func() {
		time.Sleep(3 * lockPause)
		unlocked <- unlock(first)
	}()
	start := time.Now()
	check(t, lockExclusive(second))
	check(t, <-unlocked)
	if time.Since(start) < 3*lockPause {
		t.Error("it did not wait")
	}
	if err := tryLock(first, true); !errors.Is(err, errLocked) {
		t.Errorf("two have the lock: %v", err)
	}
	check(t, second.Close())
	if err := lockExclusive(second); err == nil || errors.Is(err, ErrBusy) {
		t.Errorf("a file that is closed was locked: %v", err)
	}
}
