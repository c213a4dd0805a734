// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// testClock is a clock that a test sets: the wall's, and how long the machine runs.
type testClock struct {
	mu   sync.Mutex
	wall time.Time
	up   time.Duration
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *testClock) uptime() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// set moves the wall clock, and the machine's time by as much as has passed.
func (c *testClock) set(wall, passed time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.up = c.wall.Add(wall), c.up+passed
}

// startClosing watches a mount that is open for an hour.
func startClosing(t *testing.T, checks ...func() (string, bool)) (*closing, *testClock) {
	t.Helper()
	// A reading of the system, with its monotonic part, which must not count.
	clock := &testClock{wall: time.Now(), up: time.Hour}
	c := newClosing()
	c.now, c.uptime, c.checks = clock.now, clock.uptime, checks
	c.deadline = clock.wall.Round(0).Add(time.Hour)
	c.watch()
	c.begin()
	t.Cleanup(func() { c.close(closure{}) }) // ends what watches
	return c, clock
}

// closedFor waits until a mount is closed and returns why.
func closedFor(t *testing.T, c *closing) closure {
	t.Helper()
	select {
	case <-c.done:
		return c.closure
	case <-time.After(time.Minute): // a guard against waiting for ever
		t.Fatal("it was not closed")
		return closure{}
	}
}

func TestClosingAtDeadline(t *testing.T) {
	c, clock := startClosing(t)
	clock.set(time.Hour-1, time.Hour-1)
	if err := c.allow(); err != nil {
		t.Errorf("a moment before: %v", err)
	}
	clock.set(1, 1)
	if err := c.allow(); err == nil {
		t.Error("a request at the deadline is allowed")
	}
	if got := closedFor(t, c); got.event != audit.Expired {
		t.Errorf("%+v", got)
	}
}

// TestClosingAfterSuspend lets the machine wake up past the deadline: no timer of
// this process has run, and nobody asks.
func TestClosingAfterSuspend(t *testing.T) {
	c, clock := startClosing(t)
	clock.set(3*time.Hour, 3*time.Hour)
	if got := closedFor(t, c); got.event != audit.Expired || strings.Contains(got.reason, "set back") {
		t.Errorf("%+v", got)
	}
}

// TestClosingOnRequestAfterSuspend asks before any timer runs.
func TestClosingOnRequestAfterSuspend(t *testing.T) {
	clock := &testClock{wall: time.Now()}
	c := newClosing()
	c.begin()
	c.now, c.deadline = clock.now, clock.wall.Round(0).Add(time.Hour)
	clock.set(2*time.Hour, 0) // a monotonic reading would say that no time has passed
	if err := c.allow(); err == nil {
		t.Error("allowed")
	}
	closedFor(t, c)
}

// TestClosingStaysClosed sets the clock back after the end.
func TestClosingStaysClosed(t *testing.T) {
	c, clock := startClosing(t)
	clock.set(2*time.Hour, time.Minute)
	closedFor(t, c)
	clock.set(-2*time.Hour, time.Minute)
	if err := c.allow(); err == nil {
		t.Error("open again")
	}
}

// TestClosingWithClockSetBack sets the clock back while the mount is open, which
// gives no more time.
func TestClosingWithClockSetBack(t *testing.T) {
	c, clock := startClosing(t)
	clock.set(-24*time.Hour, 59*time.Minute)
	if err := c.allow(); err != nil {
		t.Errorf("closed too early: %v", err)
	}
	clock.set(time.Minute, time.Minute)
	if got := closedFor(t, c); got.event != audit.Expired || !strings.Contains(got.reason, "set back") {
		t.Errorf("%+v", got)
	}
}

// TestClosingByCheck closes for another reason than the time, while another check
// hangs.
func TestClosingByCheck(t *testing.T) {
	var mu sync.Mutex
	revoked, asked := false, 0
	hang := make(chan struct{})
	defer close(hang)
	c, _ := startClosing(t,
		func() (string, bool) {
			<-hang
			return "", false
		},
		func() (string, bool) {
			mu.Lock()
			defer mu.Unlock()
			asked++
			return "this agent was revoked", revoked
		})
	if err := c.allow(); err != nil {
		t.Error(err)
	}
	mu.Lock()
	revoked = true
	mu.Unlock()
	if got := closedFor(t, c); got != (closure{audit.Revoked, "this agent was revoked"}) || c.allow() == nil {
		t.Errorf("%+v", got)
	}
	if err := (&service{mountOptions: new(mountOptions), closing: c}).explainClosure(c.closure); classify(err) != failFleet {
		t.Errorf("%v", err)
	}
}

// TestClosingWithoutEnd asks no clock where the policy has no end.
func TestClosingWithoutEnd(t *testing.T) {
	c := newClosing()
	c.begin()
	c.now = func() time.Time { t.Error("a clock was asked"); return time.Time{} }
	if err := c.allow(); err != nil {
		t.Error(err)
	}
	c.close(closure{audit.Revoked, onRequest})
	c.close(closure{audit.Expired, "later"})
	if c.allow() == nil || c.closure.reason != onRequest {
		t.Errorf("%+v", c.closure)
	}
	if err := (&service{closing: c}).explainClosure(c.closure); err != nil {
		t.Errorf("what the user wanted is an error: %v", err)
	}
}

func TestParseGrace(t *testing.T) {
	for given, want := range map[string]time.Duration{"0": 0, "0s": 0, "90s": 90 * time.Second, "72h": 72 * time.Hour} {
		if got, err := parseGrace(given); err != nil || *got != want {
			t.Errorf("%s: %v, %v", given, got, err)
		}
	}
	for _, given := range []string{"-1s", "1500ms", "1", "soon", "-0.5h1m1.5s"} {
		if _, err := parseGrace(given); classify(err) != failUsage {
			t.Errorf("%s: %v", given, err)
		}
	}
}

func TestLogTells(t *testing.T) {
	for line, want := range map[string]bool{
		"time=1 level=INFO msg=mounted\n":                     false,
		"time=1 level=WARN msg=\"cannot remove the state\"\n": false,
		"time=1 level=ERROR msg=\"read refused\"\n":           true,
		"panic: oh\n": true,
		"time=1 level=WARN msg=expired reason=\"it was open until\"\n":             true,
		"time=1 level=WARN msg=revoked reason=\"this agent was revoked\"\n":        true,
		"time=1 level=WARN msg=revoked reason=\"tgsp umount --revoke\" took=4ms\n": false,
		"time=1 level=INFO msg=unmounted reason=\"level=WARN msg=expired \"\n":     false,
	} {
		if got := lineTells(line); got != want {
			t.Errorf("%q: %t", line, got)
		}
	}
}

// TestClosingBegins lets nobody in before the opening is on record, and nobody at
// all where that fails.
func TestClosingBegins(t *testing.T) {
	for _, fails := range []bool{false, true} {
		c := newClosing()
		answer := make(chan error, 1)
		go func() { answer <- c.allow() }()
		select {
		case err := <-answer:
			t.Fatalf("answered before it was opened: %v", err)
		case <-time.After(20 * time.Millisecond):
		}
		if fails {
			c.close(closure{})
		}
		c.begin()
		if err := <-answer; (err != nil) != fails {
			t.Errorf("opening fails is %t: %v", fails, err)
		}
	}
}
