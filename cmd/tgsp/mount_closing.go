// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// closingNap is how long at most nobody looks at the clock. A timer stops while
// the machine is suspended, and knows nothing of a clock that is set.
const closingNap = 250 * time.Millisecond

// closing decides when a mount is closed before anybody unmounts it. Once closed
// it stays so, whatever the clock says then.
type closing struct {
	deadline time.Time // zero where the policy has no end
	// checks are asked again and again whether the mount is to be closed, and
	// why. One that takes long delays no other reason.
	checks []func() (reason string, closed bool)

	now    func() time.Time     // the wall clock
	uptime func() time.Duration // since the machine started, suspends counted
	start  time.Time            // of watching
	booted time.Duration        // uptime then

	begun   chan struct{} // closed when programs may come in, or never will
	shut    atomic.Bool
	once    sync.Once
	done    chan struct{} // closed after shut and closure are set
	closure closure
}

// closure says what has closed a mount.
type closure struct {
	event  audit.Kind // Expired or Revoked
	reason string
}

// onRequest is the reason where a user wanted it.
const onRequest = "tgsp umount --revoke"

var errClosed = errors.New("the mount is closed")

func newClosing() *closing {
	return &closing{now: time.Now, uptime: uptime, begun: make(chan struct{}), done: make(chan struct{})}
}

// begin lets those go on that have come before it.
func (c *closing) begin() { close(c.begun) }

// allow is asked by every request, and so may not take long once the mount is open.
func (c *closing) allow() error {
	<-c.begun
	if c.shut.Load() {
		return errClosed
	}
	if !c.deadline.IsZero() && c.left() <= 0 {
		c.expire()
		return errClosed
	}
	return nil
}

// left is how long the wall clock leaves the mount open. Round takes the monotonic
// reading away, which would be compared otherwise and stops in a suspend.
func (c *closing) left() time.Duration { return c.deadline.Sub(c.now().Round(0)) }

// leftSinceStart is left by a clock that nobody has set since watching began:
// setting it back gives no more time.
func (c *closing) leftSinceStart() time.Duration {
	return c.deadline.Sub(c.start.Round(0)) - (c.uptime() - c.booted)
}

// time is the later of what the wall clock shows and what it would show had nobody
// set it since watching began.
func (c *closing) time() time.Time {
	now, counted := c.now().Round(0), c.start.Round(0).Add(c.uptime()-c.booted)
	if counted.After(now) {
		return counted
	}
	return now
}

func (c *closing) expire() {
	reason := "it was open until " + c.deadline.UTC().Format(time.RFC3339)
	if c.left() > 0 {
		reason += ", counted from when it was mounted, and the clock was set back since"
	}
	c.close(closure{audit.Expired, reason})
}

// close lets allow refuse everything from now on. The first closure counts.
func (c *closing) close(how closure) {
	c.once.Do(func() {
		c.closure = how
		c.shut.Store(true)
		close(c.done)
	})
}

// watch looks at the clock and asks the checks until the mount is closed, if there
// is anything to watch.
func (c *closing) watch() {
	c.start, c.booted = c.now(), c.uptime()
	if !c.deadline.IsZero() {
		go c.watchClock()
	}
	for _, check := range c.checks {
		go c.watchCheck(check)
	}
}

func (c *closing) watchClock() {
	for {
		left := min(c.left(), c.leftSinceStart())
		if left <= 0 {
			c.expire()
			return
		}
		if c.nap(left) {
			return
		}
	}
}

func (c *closing) watchCheck(check func() (string, bool)) {
	for {
		if reason, closed := check(); closed {
			c.close(closure{audit.Revoked, reason})
			return
		}
		if c.nap(closingNap) {
			return
		}
	}
}

// nap waits, but not long, and reports whether the mount is closed.
func (c *closing) nap(d time.Duration) bool {
	select {
	case <-c.done:
		return true
	case <-time.After(min(d, closingNap)):
		return false
	}
}
