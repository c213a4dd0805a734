// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"
	"time"
)

// lockOffset is where the lock's one byte lies: far past the end of any package,
// because locks are mandatory on Windows and would stop readers elsewhere.
const lockOffset = 1 << 62

// lockPatience bounds the wait for another program's change, which takes two
// small writes and two syncs.
const lockPatience = 10 * time.Second

// errLocked means that another program holds the lock right now.
var errLocked = errors.New("locked")

// lock takes the package's lock, waiting for a change in progress. It returns
// ErrBusy where the other program does not finish. The lock goes with unlock or
// with the file's last descriptor.
func lock(f *os.File, exclusive bool) error {
	for end := time.Now().Add(lockPatience); ; {
		err := tryLock(f, exclusive)
		if !errors.Is(err, errLocked) {
			return err
		}
		if time.Now().After(end) {
			return ErrBusy
		}
		time.Sleep(10 * time.Millisecond)
	}
}
