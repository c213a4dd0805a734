// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/windows"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/crypto/sysfile"
	"github.com/tensorguard/tgsp/mount"
)

// What umount can ask of the process that serves a mount. It is told by events of the
// system, which only the same user, administrators and the system can set: their
// security is that of whoever has made them.
const (
	eventEnd   = "end"
	eventClose = "close"
)

// unmountedElsewhere is why a mount ends that this program has not ended: WinFsp's
// library hears of Ctrl+C and of the end of the session first, and tells no other.
const unmountedElsewhere = unmountedBySignal

// eventName is unique: a later process may have the same number, but not its start.
// Services and users have sessions of their own, in which other names would lie.
func (s *mountState) eventName(what string) (*uint16, error) {
	return windows.UTF16PtrFromString(fmt.Sprintf(`Global\tgsp-%d-%d-%s`, s.PID, s.PIDStart, what))
}

// obey ends or closes the mount when umount asks for it.
func (s *service) obey(end context.CancelFunc) error {
	self := new(mountState)
	if err := self.identify(); err != nil {
		return err
	}
	for what, do := range map[string]func(){
		eventEnd:   end,
		eventClose: func() { s.closing.close(closure{audit.Revoked, onRequest}) },
	} {
		name, err := self.eventName(what)
		if err != nil {
			return err
		}
		event, err := windows.CreateEvent(nil, 1, 0, name)
		if err != nil {
			return fmt.Errorf("an event by which tgsp umount is heard: %w", err)
		}
		go func() {
			// It is open as long as this process runs.
			if signaled(event) {
				do()
			}
		}()
	}
	return nil
}

func (s *mountState) askToEnd() error   { return s.ask(eventEnd) }
func (s *mountState) askToClose() error { return s.ask(eventClose) }

func (s *mountState) ask(what string) error {
	name, err := s.eventName(what)
	if err != nil {
		return err
	}
	event, err := windows.OpenEvent(windows.EVENT_MODIFY_STATE, false, name)
	switch {
	case errors.Is(err, windows.ERROR_FILE_NOT_FOUND) && !s.alive():
		return nil // it has ended
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return &mount.Error{Op: "unmount", Dir: s.Mountpoint, Reason: mount.NotAllowed, Err: fmt.Errorf("process %d, which serves it, is another user's", s.PID)}
	case err != nil:
		return fmt.Errorf("process %d, which serves %s: %w", s.PID, s.Mountpoint, err)
	}
	defer windows.CloseHandle(event) //nolint:errcheck // nothing was written
	return windows.SetEvent(event)
}

// processStart returns when a process was started, in units of 100 nanoseconds. One
// that has ended gives an error.
func processStart(pid int) (uint64, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, uint32(pid)) //nolint:gosec // process ids have 32 bits
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(process) //nolint:errcheck // nothing was written
	if got, err := windows.WaitForSingleObject(process, 0); err == nil && got == windows.WAIT_OBJECT_0 {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	var start, exit, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &start, &exit, &kernel, &user); err != nil {
		return 0, err
	}
	return uint64(start.HighDateTime)<<32 | uint64(start.LowDateTime), nil
}

// bootID is not needed: when a process has started tells which it is.
func bootID() string { return "" }

// uptime counts a suspended machine's time, other than Go's monotonic clock.
func uptime() time.Duration { return windows.DurationSinceBoot() }

// openLogFile opens a log at its end.
func openLogFile(name string) (*os.File, error) {
	return sysfile.OpenPrivate(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
}
