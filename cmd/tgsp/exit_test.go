// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/mount"
)

// ranked holds one error of each kind in the order in which they count.
var ranked = []struct {
	code int
	err  error
}{
	{130, context.Canceled},
	{3, usagef("wrong flag")},
	{10, &container.FormatError{Part: "preamble"}},
	{11, &container.SignatureError{}},
	{19, &container.UnfinishedError{}},
	{13, &container.AlteredError{}},
	{12, &container.UntrustedError{}},
	{15, &container.PolicyError{Clause: container.ClauseTargetFleet}},
	{14, &container.NoKeyError{}},
	{16, &container.PolicyError{Clause: container.ClauseNotAfter}},
	{16, &container.ClockError{}},
	{18, &container.RollbackError{}},
	{17, &mount.Error{Op: "mount", Err: fs.ErrNotExist}},
	{20, container.ErrBusy},
	{1, os.ErrPermission},
}

// TestFleetExitCodes looks at the errors of a fleet's documents.
func TestFleetExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		&fleet.FormatError{}: 10, &fleet.SignatureError{}: 11, &fleet.MemberError{}: 15, &fleet.StaleError{}: 15, &fleet.EpochError{}: 14,
		&container.NoKeyError{Epoch: &container.MissingEpoch{}}: 14, authority.ErrBusy: 20,
	} {
		if got := classify(fmt.Errorf("around: %w", err)); got.Code != want {
			t.Errorf("%T: %d, want %d", err, got.Code, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, r := range ranked {
		if got := classify(fmt.Errorf("around: %w", r.err)); got.Code != r.code || got.Kind == "" {
			t.Errorf("%T: %d, want %d", r.err, got.Code, r.code)
		}
		if got := classify(withHint(r.err, "do this")); got.Code != r.code {
			t.Errorf("%T with a hint: %d, want %d", r.err, got.Code, r.code)
		}
	}
}

// TestExitCodesOfSeveral joins errors: the first in the contract's order counts.
func TestExitCodesOfSeveral(t *testing.T) {
	for i, first := range ranked {
		for _, second := range ranked[i+1:] {
			for _, err := range []error{errors.Join(first.err, second.err), errors.Join(second.err, first.err)} {
				if isPolicyError(first.err) && isPolicyError(second.err) {
					continue // a policy fails at its first clause
				}
				if got := classify(err); got.Code != first.code {
					t.Errorf("%T and %T: %d, want %d", first.err, second.err, got.Code, first.code)
				}
			}
		}
	}
}

func isPolicyError(err error) bool { return errors.As(err, new(*container.PolicyError)) }

func TestReport(t *testing.T) {
	var out bytes.Buffer
	a := &app{stderr: &out}
	if code := a.report(nil); code != 0 || out.Len() > 0 {
		t.Errorf("no error: %d, %q", code, out.String())
	}
	err := withHint(&container.AlteredError{Part: "file", Path: "x\x1b[2J", Reason: "bad"}, "get it again")
	if code := a.report(err); code != 13 {
		t.Errorf("code %d", code)
	}
	if got := out.String(); strings.Contains(got, "\x1b") || !strings.HasPrefix(got, "tgsp: file ") || !strings.HasSuffix(got, "\n  get it again\n") {
		t.Errorf("%q", got)
	}
	out.Reset()
	a.json = true
	if code := a.report(fmt.Errorf("open \x1b]0;evil\a: %w", fs.ErrPermission)); code != 1 {
		t.Errorf("code %d", code)
	}
	var v struct{ Error reportedError }
	if err := json.Unmarshal(out.Bytes(), &v); err != nil || v.Error.Code != 1 || v.Error.Kind != "failed" || strings.Contains(v.Error.Message, "\x1b") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestEveryFailureIsInTheHelp compares the codes with the text that tells them.
func TestEveryFailureIsInTheHelp(t *testing.T) {
	for _, f := range []failure{failFailed, failUsage, failMalformed, failSignature, failUntrusted, failAltered, failNoKey, failFleet, failTime, failMount, failRollback, failUnfinished, failBusy, failInterrupted} {
		if !strings.Contains(exitStatus, fmt.Sprintf("%d  %s", f.Code, f.Kind)) {
			t.Errorf("%d %s is not in the help", f.Code, f.Kind)
		}
	}
}

func TestShellQuote(t *testing.T) {
	for s, want := range map[string]string{
		"a/b.c": "a/b.c", "a b": "'a b'", "": "''", "it's": `'it'\''s'`, "a\nb": `$'a\nb'`, "$x": "'$x'", "ü": "'ü'",
	} {
		if got := posixQuote(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func TestWindowsQuote(t *testing.T) {
	for s, want := range map[string]string{
		`C:\models\a.tgsp`: `C:\models\a.tgsp`, `C:\my models`: `"C:\my models"`, `C:\my models\`: `"C:\my models\\"`, "": `""`,
		"it's": `"it's"`, "ü": `"ü"`, "a&b": `"a&b"`, "@a,b": `"@a,b"`, "100%": `"100%"`,
	} {
		if got := windowsQuote(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}
