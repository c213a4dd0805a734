// SPDX-License-Identifier: Apache-2.0

package container

import (
	"cmp"
	"fmt"

	"golang.org/x/mod/semver"
)

// Seen is how far a package had come when it was accepted, for comparing it with
// another of the same author and id. The zero value comes before all.
type Seen struct {
	Version    string
	CreatedAt  uint64 // when the author signed the manifest, in seconds since 1970
	Generation uint64 // of the envelope
}

// Seen returns what to remember of a package that was accepted.
func (e *Envelope) Seen() Seen {
	return Seen{e.manifest.Version, e.manifest.CreatedAt, e.doc.Generation}
}

// Compare returns a negative number where s is older than o, zero where neither
// is, and else a positive one. The version counts first, by SemVer's precedence;
// of one version the later manifest, because packing again counts generations
// anew; of one manifest the envelope's generation.
func (s Seen) Compare(o Seen) int {
	return cmp.Or(
		semver.Compare(semverOf(s.Version), semverOf(o.Version)),
		cmp.Compare(s.CreatedAt, o.CreatedAt),
		cmp.Compare(s.Generation, o.Generation),
	)
}

// semverOf writes a version as the library wants it, which takes what is no
// version, as in the zero value, for less than all others.
func semverOf(version string) string { return "v" + version }

func (s Seen) String() string {
	return fmt.Sprintf("version %s, signed at %s, state %d", s.Version, FormatTime(s.CreatedAt), s.Generation)
}

// A RollbackError says that something genuine is older than what was accepted in
// its place before.
type RollbackError struct {
	What string // such as "package acme/model"
	Seen string // what was accepted before
	Got  string // what is there now
}

func (e *RollbackError) Error() string {
	return fmt.Sprintf("%s is older than what was accepted before: it is %s, after %s", e.What, e.Got, e.Seen)
}

// CheckRollback returns a *RollbackError where the package is older than what
// was seen of the same author and package id.
func (e *Envelope) CheckRollback(seen Seen) error {
	got := e.Seen()
	if got.Compare(seen) >= 0 {
		return nil
	}
	return &RollbackError{"package " + e.manifest.PackageID, seen.String(), got.String()}
}
