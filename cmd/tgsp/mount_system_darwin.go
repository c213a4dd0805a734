// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

func (s *mountState) askToEnd() error   { return s.signal(unix.SIGTERM) }
func (s *mountState) askToClose() error { return s.signal(revokeSignal) }

// signal sends a signal to the process that wrote the state.
func (s *mountState) signal(signal unix.Signal) error {
	if !s.alive() {
		return nil // it needs no signal any more
	}
	switch err := unix.Kill(s.PID, signal); {
	case err == nil, errors.Is(err, unix.ESRCH):
		return nil
	case errors.Is(err, unix.EPERM):
		return &mount.Error{Op: "unmount", Dir: s.Mountpoint, Reason: mount.NotAllowed, Err: fmt.Errorf("process %d, which serves it, is another user's", s.PID)}
	default:
		return fmt.Errorf("process %d, which serves %s: %w", s.PID, s.Mountpoint, err)
	}
}

// processStart returns when a process was started, in microseconds. One that has
// ended gives an error.
func processStart(pid int) (uint64, error) {
	const zombie = 5 // SZOMB in sys/proc.h
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, err
	}
	if info.Proc.P_stat == zombie {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	start := info.Proc.P_starttime
	return uint64(start.Sec)*1e6 + uint64(start.Usec), nil //nolint:gosec // times are not negative
}

// unmountedElsewhere is why a mount ends that this program has not ended.
const unmountedElsewhere = unmountedByOthers

// bootID tells one run of the system from the next.
func bootID() string {
	id, _ := unix.Sysctl("kern.bootsessionuuid") // an empty one does as well
	return id
}

// uptime counts a suspended machine's time, other than Go's monotonic clock.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // then the wall clock alone decides
	}
	return time.Duration(t.Nano())
}
