// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// agent is a home with keys, and a clock that a test sets.
type agent struct {
	*testing.T
	dir string
	now time.Time
}

func newAgent(t *testing.T) *agent {
	t.Helper()
	a := &agent{T: t, dir: t.TempDir(), now: time.Now()}
	t.Setenv("TGSP_HOME", filepath.Join(a.dir, "home"))
	noError(t, os.Mkdir(a.path("model"), 0o755))
	noError(t, os.WriteFile(a.path("model/x"), []byte("hello"), 0o600))
	a.wants(0, "init")
	return a
}

func (a *agent) path(name string) string { return filepath.Join(a.dir, name) }

// pack makes a package that was signed now, by this machine's clock.
func (a *agent) pack(name string, flags ...string) string {
	a.Helper()
	a.wants(0, append([]string{"pack", a.path("model"), "-o", a.path(name)}, flags...)...)
	return a.path(name)
}

// wants runs a verb, which must exit with a code, and returns what it said.
func (a *agent) wants(code int, args ...string) string {
	a.Helper()
	var out, errs bytes.Buffer
	app := &app{stdout: &out, stderr: &errs, clock: func() time.Time { return a.now }}
	root := newRootCommand(app)
	root.SetArgs(args)
	if got := app.report(root.ExecuteContext(context.Background())); got != code {
		a.Fatalf("%v: exit %d, want %d: %s", args, got, code, errs.String())
	}
	return out.String() + errs.String()
}

func (a *agent) says(text string, code int, args ...string) {
	a.Helper()
	if said := a.wants(code, args...); !strings.Contains(said, text) {
		a.Errorf("%v says %q, want %q", args, said, text)
	}
}

// TestBoardWithoutClock starts in 1970, as boards without a battery do.
func TestBoardWithoutClock(t *testing.T) {
	a := newAgent(t)
	until, always := a.pack("until.tgsp", "--not-after", "2100-01-01T00:00:00Z"), a.pack("always.tgsp")
	made := a.now
	a.now = time.Unix(12, 0)
	a.says("the clock is not set: it shows 1970-01-01T00:00:12Z", 16, "ls", until)
	a.says("--wait-for-clock", 16, "ls", until)
	a.says("x\n", 0, "ls", always)
	a.says("the clock is not set", 0, "doctor")
	a.says("the clock is not set", 16, "doctor", "--reset-clock")
	// By the day on which its system was built it is behind the package.
	a.now = made.Add(-48 * time.Hour)
	a.says("this clock is behind: package model 1.0.0 was signed at", 16, "ls", until)
	a.now = made
	a.says("x\n", 0, "ls", until)
	a.now = time.Unix(12, 0)
	a.says("the clock is not set", 16, "ls", until)
	// The state can be reset then: it knows no time after that.
	a.says("and is now: none", 0, "doctor", "--reset-state")
	a.says("the clock is not set", 16, "ls", until)
}

// TestClockThatMoves opens a package while the clock goes on, back, and jumps.
func TestClockThatMoves(t *testing.T) {
	a := newAgent(t)
	until := a.pack("until.tgsp", "--not-after", "2098-01-01T00:00:00Z")
	always := a.pack("always.tgsp", "--package-id", "always")
	at := func(d time.Duration) { a.now = time.Now().Add(d) }
	opens := func() { a.Helper(); a.says("x\n", 0, "ls", until) }
	wentBack := func() { a.Helper(); a.says("the clock went back", 16, "ls", until) }
	opens()
	at(time.Hour)
	opens()
	at(51 * time.Minute) // within the slack
	opens()
	at(40 * time.Minute)
	wentBack()
	// What does not open moves nothing, and neither does what has no window.
	at(200 * 365 * 24 * time.Hour)
	a.says("not_after", 16, "ls", until)
	a.says("x\n", 0, "ls", always)
	at(time.Hour)
	opens()
	// A jump that was believed can be taken back.
	at(70 * 365 * 24 * time.Hour)
	opens()
	at(2 * time.Hour)
	wentBack()
	a.says("x\n", 0, "ls", always)
	a.says("tgsp doctor --reset-clock", 0, "doctor")
	a.says("was: 209", 0, "doctor", "--reset-clock")
	opens()
	log, err := os.ReadFile(a.path("home/state.log"))
	if err != nil || !strings.Contains(string(log), "old_floor=209") || strings.Count(string(log), "\n") != 1 {
		t.Errorf("%q, %v", log, err)
	}
}

// TestFewWrites opens the same package again and again: the state is written
// when there is something new, not each time.
func TestFewWrites(t *testing.T) {
	a := newAgent(t)
	until := a.pack("until.tgsp", "--not-after", "2098-01-01T00:00:00Z")
	read := func() string {
		a.Helper()
		a.wants(0, "ls", until)
		info, err := os.Stat(a.path("home/" + stateFile))
		noError(t, err)
		data, err := os.ReadFile(a.path("home/" + stateFile))
		noError(t, err)
		return info.ModTime().String() + string(data)
	}
	first := read()
	a.now = a.now.Add(floorStep / 2)
	if read() != first {
		t.Error("it was written though nothing is new")
	}
	a.now = a.now.Add(floorStep)
	if read() == first {
		t.Error("the time was not written")
	}
}

func TestSettings(t *testing.T) {
	log, err := filepath.Abs("log")
	noError(t, err)
	quoted, err := json.Marshal(log)
	noError(t, err)
	for text, want := range map[string]*settings{
		`{}`: {}, `{"no_rollback": true}`: {NoRollback: true}, `{"audit_log": ` + string(quoted) + `}`: {AuditLog: log}, `{"audit_log": "log"}`: nil,
		``: nil, `[]`: nil, `null`: nil, `{"no_rollback": null}`: nil, `{"no_rollback": "true"}`: nil, `{"No_Rollback": true}`: nil,
		`{"no_rollback": true} x`: nil, `{"no_rollback": true, "no_rollback": true}`: nil, `{"x": 1}`: nil, `{"audit_log": {"no_rollback": true}}`: nil,
	} {
		got, err := parseSettings([]byte(text))
		if (want == nil) != (err != nil) || want != nil && *got != *want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
