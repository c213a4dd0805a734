// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/mount"
)

// closedState is what others may know of a mount that was closed.
type closedState struct {
	Event  string    `json:"event"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Left   int       `json:"left,omitempty"` // parts of files that the kernel may still have
}

// shut takes the mount from the programs that use it, and waits until they have
// let go of what they have open. The keys go as soon as nothing can be read.
func (s *service) shut(ctx context.Context, server *mount.Server, reader *container.Reader, ended <-chan struct{}) error {
	how, start := s.closing.closure, time.Now()
	left := server.Revoke()
	err := server.Detach()
	gone := new(mount.Error)
	if errors.As(err, &gone) && gone.Reason == mount.NotMounted {
		err = nil // by somebody else, or by Revoke
	}
	s.logger.Warn(string(how.event), "reason", how.reason, "took", time.Since(start).Round(time.Millisecond))
	s.record(how.event, how.reason)
	if left > 0 {
		s.logger.Error("storage does not answer, and parts of files may stay readable to programs that have them open until it does", "parts", left)
	}
	if err != nil {
		s.logger.Error("cannot unmount, and the folder stays, without contents", "dir", s.dir, "error", err)
	}
	reader.Close() //nolint:errcheck,gosec // it was only read
	releaseMemory()

	if err := s.state.change(func(state *mountState) bool {
		state.Closed = &closedState{string(how.event), how.reason, start.UTC().Truncate(time.Second), left}
		return true
	}); err != nil {
		s.logger.Warn("tgsp status cannot know that this mount is closed", "error", err)
	}
	select {
	case <-ended:
	case <-ctx.Done():
	}
	s.unmounted(unmountedClosed)
	return errors.Join(err, s.explainClosure(how))
}

// explainClosure is the error with which a process ends whose mount was closed by
// its policy. That its user wanted it is none.
func (s *service) explainClosure(how closure) error {
	switch {
	case how.event == audit.Expired:
		return about(s.pkg, s.window.Check(container.Facts{Now: s.closing.deadline}))
	case how.reason != onRequest:
		return about(s.pkg, &container.PolicyError{Clause: container.ClauseTargetFleet, Want: "an agent for which it is open", Got: how.reason})
	}
	return nil
}
