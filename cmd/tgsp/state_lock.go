// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

const (
	// stateLockPause is how long to wait before the lock is asked for again. It is
	// held for two or three writes.
	stateLockPause = 2 * time.Millisecond
	// stateLockPatience is how long nothing may change while somebody holds it: a
	// process that was stopped would otherwise stop all others.
	stateLockPatience = 30 * time.Second
)

// errStateLocked says that somebody else holds the lock.
var errStateLocked = errors.New("locked")

// lock keeps changes out until the returned function is called, and with
// exclusive other readers too. To read without a lock is right where none can be
// had: there nobody has changed anything yet, or nobody can.
func (s *stateStore) lock(exclusive bool) (unlock func(), err error) {
	flags := os.O_RDONLY
	if exclusive {
		if err := durable.MkdirAll(s.dir, 0o700); err != nil {
			return nil, err
		}
		flags = os.O_RDWR | os.O_CREATE
	}
	f, err := sysfile.OpenPrivate(s.path(stateLockFile), flags)
	if !exclusive && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) {
		return func() {}, nil
	}
	if err != nil {
		return nil, err
	}
	unlock = func() {
		f.Close() //nolint:errcheck,gosec // that is what unlocks it, and nothing was written
	}
	last, start := s.changed(), time.Now()
	for ; ; time.Sleep(stateLockPause) {
		switch err := tryLockState(f, exclusive); {
		case err == nil:
			return unlock, nil
		case !errors.Is(err, errStateLocked):
			unlock()
			return nil, fmt.Errorf("locking %s: %w", f.Name(), err)
		}
		// Many that come at once wait for each other, and some for long.
		if now := s.changed(); !now.Equal(last) {
			last, start = now, time.Now()
		}
		if time.Since(start) > stateLockPatience {
			unlock()
			return nil, fmt.Errorf("%s: another process has held this lock for %s", f.Name(), stateLockPatience)
		}
	}
}

// changed returns when the state was changed last, or the zero time.
func (s *stateStore) changed() time.Time {
	info, err := os.Stat(s.path(stateFile))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
