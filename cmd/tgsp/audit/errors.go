// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"errors"
	"fmt"
)

// Reasons why a log cannot be opened, beside those of the system.
var (
	ErrNotRegular = errors.New("it is not a regular file")
	ErrNoSyslog   = errors.New("no syslog answers on this machine")
	ErrNoJournal  = errors.New("no systemd journal answers on this machine")
)

// An OpenError says that a log cannot be opened.
type OpenError struct {
	Dest string // as it was given to Open
	Err  error
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("the audit log %s cannot be opened: %v", e.Dest, e.Err)
}
func (e *OpenError) Unwrap() error { return e.Err }

// A WriteError says that an event could not be put on record.
type WriteError struct {
	Dest string
	Err  error
}

func (e *WriteError) Error() string {
	return fmt.Sprintf("the audit log %s does not take events: %v", e.Dest, e.Err)
}
func (e *WriteError) Unwrap() error { return e.Err }

// A LossError says that a log that was closed is not whole.
type LossError struct {
	Dest string
	Lost uint64 // events that are missing; 0 where only a crash could still lose some
	Err  error  // the first reason
}

func (e *LossError) Error() string {
	if e.Lost == 0 {
		return fmt.Sprintf("the audit log %s may not be safe on the disk: %v", e.Dest, e.Err)
	}
	return fmt.Sprintf("the audit log %s lacks %d of the events: %v", e.Dest, e.Lost, e.Err)
}
func (e *LossError) Unwrap() error { return e.Err }
