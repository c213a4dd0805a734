// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMountNotesTheTime ticks for a mount whose clock goes on and back.
func TestMountNotesTheTime(t *testing.T) {
	t.Setenv("TGSP_HOME", t.TempDir())
	now := testTime
	var log bytes.Buffer
	s := &service{app: &app{clock: func() time.Time { return now }}, logger: slog.New(slog.NewTextHandler(&log, nil))}
	tick := func(n int) {
		t.Helper()
		ctx, stop := context.WithCancel(t.Context())
		ticks, ended := make(chan time.Time), make(chan struct{})
		go func() {
			defer close(ended)
			s.noteTime(ctx, ticks)
		}()
		for range n {
			ticks <- now
		}
		stop()
		<-ended
	}
	floor := func() time.Time {
		t.Helper()
		m := recall()
		noError(t, m.err)
		return m.state.floor()
	}
	tick(1)
	if !floor().Equal(now) {
		t.Errorf("the floor is %s, want %s", floor(), now)
	}
	now = now.Add(time.Hour)
	tick(1)
	now = now.Add(-30 * time.Minute)
	tick(2)
	if want := testTime.Add(time.Hour); !floor().Equal(want) {
		t.Errorf("the floor is %s, want %s", floor(), want)
	}
	if log.Len() > 0 {
		t.Errorf("it logs %s", log.String())
	}
	// What goes wrong is said once.
	store, err := openStateStore()
	noError(t, err)
	noError(t, os.Remove(store.path(stateKeyFile)))
	tick(5)
	if got := log.String(); strings.Count(got, "cannot remember the time") != 1 || !strings.Contains(got, stateKeyFile) {
		t.Errorf("it logs %q", got)
	}
}
