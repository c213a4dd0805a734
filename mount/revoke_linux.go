// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// notifiers is how many calls of the kernel go on at once. One that meets a
	// page under read waits for the reply, and the others go on; and beside
	// programs that read with all their might, a single thread would get too
	// little of the processors to be done in time.
	notifiers = 16
	// A call drops this much of a file, or more of one that would need too many.
	// It unmaps its piece first, and programs have little time to map pages again
	// before they go, which would make it slow.
	pieceSize = 2 << 20
	maxPieces = 4096
	// hangAfter is how long nothing may get on while reads wait for storage.
	hangAfter = 400 * time.Millisecond
	// notifyLimit is how long all calls may take where no read waits.
	notifyLimit = 10 * time.Second
)

// Revoke takes from the kernel what it keeps of this mount: the pages of files,
// mapped and locked ones too, listings, and names. Options.Allow must refuse
// already. Programs then get EACCES, or SIGBUS through a mapping. It must not be
// called by what serves requests, and returns how many pieces and names the kernel
// may still have, which is none but where storage hangs.
//
// Why nothing comes back behind it: a request that Allow has let pass began
// before, so the pages that it is to fill are in the cache already, locked until
// its reply is written. The kernel's invalidation waits for each locked page and
// then drops it. A request that comes later is refused and fills nothing. Readers
// with O_DIRECT have no pages. What was decrypted ahead is stored by calls of which
// none begins any more; those under way are waited for before anything is dropped.
// Where storage hangs one can take longer, because it waits for a page of a request:
// it drops by itself what it has stored (see ahead.push), and counts as left until
// then.
func (s *Server) Revoke() (left int) {
	ahead := s.tree.ahead.Load()
	ahead.stop()
	ahead.settle()
	left = s.dropAll(maxPieces)
	late := ahead.settle()
	if left == 0 {
		// Once more for names that a lookup, let pass before, told after the first
		// walk.
		left = s.dropAll(1)
	}
	return left + late
}

// dropAll makes the kernel drop all that it knows, each file in at most so many
// pieces, and returns how many calls of it have failed or have not ended.
func (s *Server) dropAll(pieces int64) int {
	contents, names := s.link.drops(pieces)
	return s.notify(contents) + s.notify(names)
}

// notify makes the calls, and returns how many have failed or have not ended.
// Where storage hangs, so do calls that wait for a page under read, and the
// programs that wait for it: then the connection is aborted, which ends both.
func (s *Server) notify(calls []drop) int {
	var next, ended, done atomic.Int64
	for range min(notifiers, len(calls)) {
		go func() {
			hurry()
			for i := next.Add(1) - 1; i < int64(len(calls)); i = next.Add(1) - 1 {
				if calls[i]() {
					done.Add(1)
				}
				ended.Add(1)
			}
		}()
	}
	before, moved, aborted := int64(0), time.Now(), false
	for limit := time.Now().Add(notifyLimit); ended.Load() < int64(len(calls)) && time.Now().Before(limit); time.Sleep(time.Millisecond) {
		if now := ended.Load(); now > before || s.tree.reading.Load() == 0 {
			before, moved = now, time.Now()
		}
		if time.Since(moved) < hangAfter {
			continue
		}
		if aborted {
			break
		}
		s.abort()
		aborted, moved = true, time.Now()
	}
	return len(calls) - int(done.Load())
}

// hurry puts the calling thread before others where this process may do so. A
// nicer value alone would not do: it counts within a session. The thread ends with
// its goroutine.
func hurry() {
	runtime.LockOSThread()
	if unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_RR, Priority: 1}, 0) != nil {
		unix.Setpriority(unix.PRIO_PROCESS, 0, -20) //nolint:errcheck,gosec // users may not
	}
}

// abort lets the kernel answer every request of this mount with an error: as root
// while unmounting, else by the file that its owner may write to, where that file
// system is mounted. A mount in another namespace cannot be unmounted.
func (s *Server) abort() {
	var err error
	if os.Geteuid() == 0 && !s.prepared && s.checkMounted() == nil {
		err = unix.Unmount(s.dir, unix.MNT_FORCE|unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	} else {
		err = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", s.minor), []byte("1"), 0)
	}
	if err != nil {
		s.log.Warn("storage does not answer, and reads that wait for it cannot be ended", slog.Any("reason", err))
		return
	}
	s.log.Warn("storage does not answer: reads that wait for it were ended")
	s.abortOnce.Do(func() { close(s.aborted) })
}
