// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"log/slog"
	"time"
)

// Kind says what happened. The names stand in logs and are stable.
type Kind string

// The kinds of events.
const (
	Opened    Kind = "opened"    // the contents can be read from now on
	Inspected Kind = "inspected" // what anybody can read in a package was shown
	Verified  Kind = "verified"  // every byte was checked and found right
	Changed   Kind = "changed"   // the envelope was changed: recipients, signatures or policy
	Refused   Kind = "refused"   // the package or its policy was found wanting
	Failed    Kind = "failed"    // it came to nothing for another reason, such as I/O
	Altered   Kind = "altered"   // a mount met bytes that the author did not sign
	Expired   Kind = "expired"   // the policy's window closed on a mount
	Revoked   Kind = "revoked"   // this agent lost its right while a mount was open
	Unmounted Kind = "unmounted" // a mount ended
	Lost      Kind = "lost"      // nothing but the number of events that are missing
)

// warns reports whether somebody may want to be told of such an event.
func (k Kind) warns() bool {
	switch k {
	case Refused, Failed, Altered, Expired, Revoked, Lost:
		return true
	}
	return false
}

// Event is one line. Fields that are empty are left out of it.
type Event struct {
	Time         time.Time // set by Record where it is zero; written in UTC with nanoseconds
	Event        Kind
	Verb         string // of the command line, such as "mount"
	Package      string // path of the file, absolute
	PackageID    string
	Version      string
	ContentHash  string // hex: what the contents are
	ManifestHash string // hex: which release of them
	Author       string // author_id in hex, as the package names it
	Trusted      *bool  // whether the package was accepted, or the fields from PackageID on are only claimed; nil where it was not read
	Fleet        string // the policy's target_fleet in hex
	Epoch        uint64 // of that fleet, to which the package is encrypted
	Agent        string // fingerprint in hex of the identity that opened it, or was to
	Mountpoint   string
	File         string // in the package, where the event is about one
	Offset       *int64 // in File, or in the package where File is empty; bytes
	Code         int    // exit code of a refusal or failure
	Kind         string // its name in the table of exit codes
	Reason       string // in words
	Lost         uint64 // events that are missing and that no earlier line tells of; set by the log
}

// attrs lists the fields that are there in the order in which they are written.
func (e *Event) attrs() []slog.Attr {
	var list []slog.Attr
	text := func(key, value string) {
		if value != "" {
			list = append(list, slog.String(key, value))
		}
	}
	number := func(key string, value uint64) {
		if value != 0 {
			list = append(list, slog.Uint64(key, value))
		}
	}
	text("verb", e.Verb)
	text("package", e.Package)
	text("package_id", e.PackageID)
	text("version", e.Version)
	text("content_hash", e.ContentHash)
	text("manifest_hash", e.ManifestHash)
	text("author", e.Author)
	if e.Trusted != nil {
		list = append(list, slog.Bool("trusted", *e.Trusted))
	}
	text("fleet", e.Fleet)
	number("epoch", e.Epoch)
	text("agent", e.Agent)
	text("mountpoint", e.Mountpoint)
	text("file", e.File)
	if e.Offset != nil {
		list = append(list, slog.Int64("offset", *e.Offset))
	}
	if e.Code != 0 {
		list = append(list, slog.Int("code", e.Code))
	}
	text("kind", e.Kind)
	text("reason", e.Reason)
	number("lost", e.Lost)
	return list
}
