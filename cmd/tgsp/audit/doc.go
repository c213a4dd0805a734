// SPDX-License-Identifier: Apache-2.0

// Package audit writes the audit log: one line of JSON for each event in the
// life of a package on this machine, such as an opening, a refusal or the end of
// a mount. It goes to the end of a file, to syslog or to systemd's journal.
//
// [Log.Record] never waits, so that it can be called while a read is under way.
// One goroutine writes. What it cannot write in time, or at all, is counted, and
// the next line that gets through says how many are missing before it.
// [Log.Commit] is for openings, which a caller may refuse when they cannot be
// put on record.
//
// The package prints nothing and holds no keys. Names of events and fields are
// stable; new ones may be added.
package audit
