// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/sysfile"
	"github.com/tensorguard/tgsp/mount"
)

// hintFor returns the next step for errors that have the same one wherever they
// come from. Verbs that know more use withHint.
func hintFor(err error) string {
	var (
		source    *container.SourceError
		untrusted *container.UntrustedError
		signature *container.SignatureError
		altered   *container.AlteredError
		noKey     *container.NoKeyError
		policy    *container.PolicyError
		clock     *container.ClockError
		mounting  *mount.Error
		auditOpen *audit.OpenError
	)
	switch {
	case errors.As(err, &source):
		return source.Hint
	case errors.As(err, new(*container.UnfinishedError)):
		return "run: tgsp recipients repair PKG"
	case errors.As(err, &signature):
		return "get the package again from where it was published, or ask its author"
	case errors.As(err, &altered):
		return "do not use it: get the package again from where it was published"
	case errors.As(err, &untrusted) && untrusted.Signer != "":
		return fmt.Sprintf("if you know that this key is the author's: tgsp trust add --role %s %s", untrusted.Role, untrusted.Signer)
	case errors.As(err, &noKey):
		return noKeyHint(noKey)
	case errors.As(err, &policy):
		return policyHint(policy)
	case errors.As(err, &clock):
		return clockHint(clock)
	case errors.As(err, new(*container.RollbackError)):
		return "get the newest one from its author; to go back to this one all the same: --allow-rollback"
	case errors.As(err, new(*stateError)):
		return "if you know why, as after a restored backup, begin anew: tgsp doctor --reset-state"
	case errors.As(err, &mounting):
		return mountHint(mounting)
	case errors.As(err, &auditOpen):
		return auditHint(auditOpen)
	case errors.As(err, new(*audit.WriteError)):
		return "nothing was opened off the record: mend the audit log, or name another"
	case errors.Is(err, container.ErrBusy):
		return "try again when the other program has finished"
	case sysfile.InUse(err):
		return "close the program that has the file open, or wait until it ends, and try again"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room there, or write to another disk; what was begun is removed"
	}
	return ""
}

func noKeyHint(e *container.NoKeyError) string {
	if e.Epoch != nil {
		return fmt.Sprintf("ask your fleet's authority for epoch %d, then: tgsp fleet install FILE", e.Epoch.Want)
	}
	if e.Tried == 0 {
		return "give an identity with -i FILE, or make one: tgsp init"
	}
	return fmt.Sprintf("it opens for: %s; ask the author to add your key: tgsp recipients add PKG KEY", strings.Join(e.Recipients, ", "))
}

func policyHint(e *container.PolicyError) string {
	switch e.Clause {
	case container.ClauseTargetFleet:
		return "ask that fleet's authority to enroll this agent (tgsp fleet request), or for its present file (tgsp fleet install FILE)"
	case container.ClauseNotBefore:
		return "wait until then, or check this machine's clock"
	default:
		return "ask the author for a renewed package: tgsp renew PKG --not-after TIME"
	}
}

// clockHint names what helps. Nothing that a program decides by itself does: it
// cannot know which of two times is right.
func clockHint(e *container.ClockError) string {
	if e.Reason == container.ClockWentBack {
		return "set this machine's clock (tgsp mount --wait-for-clock waits until it is set); if it is right now, and was ahead before: tgsp doctor --reset-clock"
	}
	return "set this machine's clock; tgsp mount --wait-for-clock waits until it is set"
}

// auditHint returns the next step where an audit log cannot be opened. Until then
// nothing is.
func auditHint(e *audit.OpenError) string {
	switch {
	case onWindows && (errors.Is(e, audit.ErrNoSyslog) || errors.Is(e, audit.ErrNoJournal)):
		return "Windows has neither syslog nor journald: name a file"
	case errors.Is(e, audit.ErrNoSyslog):
		return "start this machine's syslog, such as rsyslog, or name a file or journald"
	case errors.Is(e, audit.ErrNoJournal):
		return "it takes a machine that runs systemd; name a file or syslog"
	case errors.Is(e, audit.ErrNotRegular), errors.Is(e, syscall.ELOOP):
		return "name the log file itself, or syslog, or journald"
	case errors.Is(e, fs.ErrNotExist):
		return "make its folder first: " + mkdirCommand(filepath.Dir(e.Dest))
	}
	return "name a file that you can write to, or syslog, or journald"
}
