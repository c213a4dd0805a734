// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// serveDaemon is serve for a process that another one of ours waits for.
func (o *mountOptions) serveDaemon(ctx context.Context, a *app) error {
	// fusermount3 has no business with it.
	unix.CloseOnExec(o.readyFD)
	s := &service{mountOptions: o, app: a, parent: os.NewFile(uintptr(o.readyFD), "parent"), closing: newClosing()}
	err := s.serveOnRecord(ctx)
	if err != nil && s.parent != nil {
		// The parent says it; nobody should read it twice.
		err = errors.Join(err, s.tell(&daemonMessage{Error: a.describe(err)}))
		a.stderr = io.Discard
	}
	return err
}

// send sends the parent a message.
func (s *service) send(m *daemonMessage) error { return json.NewEncoder(s.parent).Encode(m) }

// tell sends the parent its last message.
func (s *service) tell(m *daemonMessage) error {
	err := s.send(m)
	err = errors.Join(err, s.parent.Close())
	s.parent = nil
	return err
}

// detach lets the parent of a daemon go. Standard error was the parent's while
// it had to hear of what goes wrong, fusermount3's words too; from now on it is
// the log, so that a crash shows there.
func (s *service) detach() error {
	if s.parent == nil {
		return nil
	}
	if err := unix.Dup3(int(s.file.Fd()), unix.Stderr, 0); err != nil { // descriptors are small
		return err
	}
	return s.tell(&daemonMessage{Ready: s.state})
}

// sendWaiting tells the parent what this process waits for.
func (s *service) sendWaiting(text string) error { return s.send(&daemonMessage{Waiting: text}) }

// orphaned reports whether the parent that waits for this process is gone: nobody
// would know of the mount.
func (s *service) orphaned() bool {
	if s.parent == nil {
		return false
	}
	poll := []unix.PollFd{{Fd: int32(s.readyFD)}} //nolint:gosec // descriptors are small
	n, err := unix.Poll(poll, 0)
	return err == nil && n > 0 && poll[0].Revents&unix.POLLERR != 0
}
