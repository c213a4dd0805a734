// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/crypto/sysfile"
	"github.com/tensorguard/tgsp/mount"
)

// failure is one row of the table of exit codes, which scripts rely on.
type failure struct {
	Code int    `json:"code"`
	Kind string `json:"kind"`
}

var (
	failFailed      = failure{1, "failed"}
	failUsage       = failure{3, "usage"}
	failMalformed   = failure{10, "malformed"}
	failSignature   = failure{11, "signature"}
	failUntrusted   = failure{12, "untrusted"}
	failAltered     = failure{13, "altered"}
	failNoKey       = failure{14, "no-key"}
	failFleet       = failure{15, "fleet"}
	failTime        = failure{16, "time"}
	failMount       = failure{17, "mount"}
	failRollback    = failure{18, "rollback"}
	failUnfinished  = failure{19, "unfinished"}
	failBusy        = failure{20, "busy"}
	failInterrupted = failure{130, "interrupted"}
)

// exitCodes says what the codes mean.
const exitCodes = `  0  done                    13  altered: a byte is not what the author signed
  1  failed: I/O and others  14  no-key: no identity given opens it
  3  usage                   15  fleet: the policy's fleet is not this agent's
 10  malformed               16  time: outside the policy's window, or the clock is wrong
 11  signature               17  mount: no FUSE, or the mountpoint is no good
 12  untrusted author        18  rollback: older than what this agent has seen
                             19  unfinished: see tgsp recipients repair
                             20  busy: another program is changing the package
                            130  interrupted`

// exitStatus is the end of every help text.
const exitStatus = "\nEXIT STATUS\n" + exitCodes

// refusal reports whether the package, or what its author's policy says, was
// found wanting: in the table, all from malformed on but what the machine lacks.
func (f failure) refusal() bool {
	return f.Code >= failMalformed.Code && f.Code <= failUnfinished.Code && f.Code != failMount.Code
}

var errInterrupted = errors.New("interrupted")

// usageError is a wrong flag or argument.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// hintError adds the next step for a person to an error.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// reportedError is a failure that another process of ours has described: the
// daemon of a mount.
type reportedError struct {
	failure
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func (e *reportedError) Error() string { return e.Message }

// classify finds the exit code, the one place where that is done. Where an error
// holds several, the first in this order counts.
func classify(err error) failure {
	var (
		reported   *reportedError
		usage      *usageError
		format     *container.FormatError
		name       *container.NameError
		signature  *container.SignatureError
		unfinished *container.UnfinishedError
		altered    *container.AlteredError
		untrusted  *container.UntrustedError
		noKey      *container.NoKeyError
		policy     *container.PolicyError
		clock      *container.ClockError
		rollback   *container.RollbackError
		mounting   *mount.Error
		source     *container.SourceError
	)
	isPolicy := errors.As(err, &policy)
	var (
		fleetFormat    *fleet.FormatError
		fleetSignature *fleet.SignatureError
		notMember      *fleet.MemberError
		stale          *fleet.StaleError
		noEpoch        *fleet.EpochError
	)
	switch {
	case errors.As(err, &reported):
		return reported.failure
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return failInterrupted
	case errors.As(err, &usage):
		return failUsage
	case errors.As(err, &source): // of a model that is to be packed, whatever its name or link is called
		return failFailed
	case errors.As(err, &format), errors.As(err, &name), errors.As(err, &fleetFormat):
		return failMalformed
	case errors.As(err, &signature), errors.As(err, &fleetSignature):
		return failSignature
	case errors.As(err, &unfinished):
		return failUnfinished
	case errors.As(err, &altered):
		return failAltered
	case errors.As(err, &untrusted):
		return failUntrusted
	case isPolicy && policy.Clause == container.ClauseTargetFleet, errors.As(err, &notMember), errors.As(err, &stale):
		return failFleet
	case errors.As(err, &noKey), errors.As(err, &noEpoch):
		return failNoKey
	case isPolicy, errors.As(err, &clock):
		return failTime
	case errors.As(err, &rollback):
		return failRollback
	case errors.As(err, &mounting):
		return failMount
	case errors.Is(err, container.ErrBusy), errors.Is(err, authority.ErrBusy), sysfile.InUse(err):
		return failBusy
	}
	return failFailed
}

// report shows an error in the form that was asked for and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	r := a.describe(err)
	if a.json {
		enc := json.NewEncoder(a.stderr)
		enc.SetEscapeHTML(false)
		if enc.Encode(map[string]any{"error": r}) == nil {
			return r.Code
		}
	}
	fmt.Fprintf(a.stderr, "tgsp: %s\n", r.Message)
	if r.Hint != "" {
		fmt.Fprintf(a.stderr, "  %s\n", r.Hint)
	}
	return r.Code
}

// describe returns an error as message, hint and code.
func (a *app) describe(err error) *reportedError {
	if r := new(reportedError); errors.As(err, &r) {
		return r
	}
	r := &reportedError{failure: classify(err), Message: escaped(strings.TrimSpace(err.Error()))}
	if h := new(hintError); errors.As(err, &h) {
		r.Hint = h.hint
	} else {
		r.Hint = hintFor(err)
	}
	return r
}

// isPathError reports whether an error names its file already.
func isPathError(err error) bool { return errors.As(err, new(*fs.PathError)) }
