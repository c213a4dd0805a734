// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"sync/atomic"
	"time"
)

// usage knows whether and when a mount was used. What the kernel answers from its
// cache is seen as well: a program has the file open meanwhile.
type usage struct {
	start time.Time
	files atomic.Int64 // that are open or mapped
	last  atomic.Int64 // nanoseconds after start
}

func (u *usage) touch() { u.last.Store(int64(time.Since(u.start))) }

func (u *usage) opened() {
	u.files.Add(1)
	u.touch()
}

func (u *usage) closed() {
	u.touch() // first, so that nobody sees an old time and no file
	u.files.Add(-1)
}

// idle is how long nothing has used the mount.
func (u *usage) idle() time.Duration {
	if u.files.Load() > 0 {
		return 0
	}
	return time.Since(u.start) - time.Duration(u.last.Load())
}

// idleNap is how often at least a mount in use is looked at.
const idleNap = 5 * time.Second

// UnmountIdle ends the mount when nothing has used it for so long, or ctx ends. A
// file that is open or mapped uses it, and so does a program that works in one of its
// folders.
func (s *Server) UnmountIdle(ctx context.Context, after time.Duration) error {
	u := &s.tree.usage
	for {
		idle := u.idle()
		if idle >= after {
			s.idle.Store(true) // before others see that it has ended
			used, err := s.unmountNow()
			if !used && err == nil {
				return nil
			}
			s.idle.Store(false)
			if err != nil {
				return err
			}
			u.touch()
			idle = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(after-idle, idleNap)):
		}
	}
}

// EndedIdle reports whether UnmountIdle has ended the mount.
func (s *Server) EndedIdle() bool { return s.idle.Load() }
