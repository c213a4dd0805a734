// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	"github.com/tensorguard/tgsp/container"
)

// clockPace is how often a mount that waits for the clock looks at it.
const clockPace = time.Second

// openInTime opens the package; where the user wants that it waits until the
// clock can be right. That a window is not yet open, or no longer, is no matter
// of the clock.
func (s *service) openInTime(ctx context.Context) (*session, error) {
	for said := false; ; said = true {
		opened, err := s.unlock(s.app, s.pkg)
		if !s.waitForClock || !errors.As(err, new(*container.ClockError)) {
			return opened, err
		}
		if !said {
			if err := s.sayWaiting(err); err != nil {
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, errInterrupted
		case <-time.After(clockPace):
		}
		if s.orphaned() {
			return nil, errInterrupted
		}
	}
}

// sayWaiting tells the user, through the parent where there is one.
func (s *service) sayWaiting(why error) error {
	text := "waiting for the time to be set: " + escaped(why.Error())
	if s.parent != nil {
		return s.sendWaiting(text)
	}
	s.tellManager(statusLine(text))
	s.app.notef("tgsp: %s\n", text)
	return nil
}

// keepFloor takes note of the time while a package whose policy depends on it is served, so
// that a clock which is set back afterwards is found out. It ends with ctx.
func (s *service) keepFloor(ctx context.Context, p container.Policy) {
	if !p.DependsOnTime() {
		return
	}
	ticker := time.NewTicker(floorStep)
	go func() {
		defer ticker.Stop()
		s.noteTime(ctx, ticker.C)
	}()
}

// noteTime raises the floor at every tick. What goes wrong is logged once: a
// mount does not end because a disk is full.
func (s *service) noteTime(ctx context.Context, ticks <-chan time.Time) {
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		m := recall()
		err := m.update(func(state *agentState) error {
			state.raiseFloor(s.app.now())
			return nil
		})
		if err != nil && !failed {
			s.logger.Warn("cannot remember the time", "error", err)
		}
		failed = err != nil
	}
}
