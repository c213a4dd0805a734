// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// auditFlags is the flag of verbs that open or judge packages, and the record
// that this run keeps of it: the audit log.
type auditFlags struct {
	auditLog string // the destination as it was given; "" for none
	trail    *audit.Log
	known    audit.Event // what every line of this run says
	complain func(error) // told where the log is not whole
}

func (f *auditFlags) add(flags *pflag.FlagSet) {
	const usage = "put openings and refusals on record in `DEST`: a file, syslog or journald"
	flags.Func("audit-log", usage, func(dest string) error {
		if dest == "" { // an empty variable of a script would mean: no record
			return errors.New("an empty name is no file; name one, or syslog, or journald")
		}
		f.auditLog = dest
		return nil
	})
}

// auditDest returns where the audit log goes, by the flag or by the user's
// settings, or "" where there is none.
func (f *auditFlags) auditDest() (string, error) {
	if f.auditLog != "" {
		return f.auditLog, nil
	}
	all, err := loadSettings()
	if err != nil {
		return "", err
	}
	return all.AuditLog, nil
}

// onRecord puts a verb whose first argument is a package on record.
func (f *auditFlags) onRecord(a *app, work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		verb := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		f.complain = func(err error) { a.warnf("%v", err) }
		return f.audited(verb, args[0], nil, func() error { return work(cmd, args) })
	}
}

// audited does a piece of work on record. Where the log cannot be opened it is
// not begun: nothing is opened off the record. What lives long names a function
// that is told at once when events get lost; a verb's end tells soon enough.
func (f *auditFlags) audited(verb, name string, failed func(error), work func() error) error {
	dest, err := f.auditDest()
	if err != nil {
		return err
	}
	if dest != "" {
		if f.trail, err = audit.Open(dest, audit.Options{Hide: hideSecrets, Failed: failed}); err != nil {
			return err
		}
	}
	f.known.Verb, f.known.Package = verb, name
	if abs, err := filepath.Abs(name); err == nil { // the log outlives the folder in which this runs
		f.known.Package = abs
	}
	err = work()
	f.endTrail(err)
	return err
}

// endTrail records how the work has failed, if it has, and closes the log. It
// does nothing a second time.
func (f *auditFlags) endTrail(err error) {
	f.recordFailure(err)
	if err := f.trail.Close(); err != nil {
		f.complain(err)
	}
	f.trail = nil
}

// record writes an event.
func (f *auditFlags) record(kind audit.Kind, reason string) {
	e := f.known
	e.Event, e.Reason = kind, reason
	f.trail.Record(e)
}

// opened records that contents can be read from now on. Where that cannot be
// put on record they must not be.
func (f *auditFlags) opened() error {
	e := f.known
	e.Event = audit.Opened
	return f.trail.Commit(e)
}

// recordFailure writes a refusal, or a failure that is none. A wrong argument is
// neither: nothing was tried.
func (f *auditFlags) recordFailure(err error) {
	if err == nil {
		return
	}
	if e := failureEvent(f.known, err); e.Code != failUsage.Code {
		f.trail.Record(e)
	}
}
