// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"math/rand/v2"
	"os"
	"time"
)

// lockOffset is where the lock's one byte lies: far past the end of any package,
// because locks are mandatory on Windows and would stop readers elsewhere.
const lockOffset = 1 << 62

// lockPatience bounds the wait for a change that makes no progress: one takes two
// small writes and two syncs.
const lockPatience = 10 * time.Second

// lockPause is how long an attempt waits for the next, on average. The lock has
// no queue: who asks seldom never hits the moment between two changes.
const lockPause = time.Millisecond

// errLocked means that another program holds the lock right now.
var errLocked = errors.New("locked")

// patience waits for other programs' changes. As long as there is progress it
// does not end: each change is short, but there may be any number of them.
type patience struct {
	state uint64
	end   time.Time
}

// wait pauses before the next attempt. A state that is not the one of the last
// call shows progress; without any it returns ErrBusy in the end.
func (p *patience) wait(state uint64) error {
	now := time.Now()
	if p.end.IsZero() || state != p.state {
		p.state, p.end = state, now.Add(lockPatience)
	}
	if now.After(p.end) {
		return ErrBusy
	}
	// Never in step with others that wait.
	time.Sleep(lockPause/2 + rand.N(lockPause)) //nolint:gosec // no secret
	return nil
}

// lockExclusive takes the package's lock for a change, waiting for those in
// progress. It returns ErrBusy where another program holds it and changes
// nothing. The lock goes with unlock or with the file's last descriptor.
func lockExclusive(f *os.File) error {
	for p := (patience{}); ; {
		err := tryLock(f, true)
		if !errors.Is(err, errLocked) {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := p.wait(uint64(info.ModTime().UnixNano())); err != nil {
			return err
		}
	}
}
