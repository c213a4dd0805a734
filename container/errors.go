// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
)

// A FormatError says that the file is not a package, is damaged in its
// structure, or has a version that this reader does not know.
type FormatError struct {
	Part   string // the section or field, such as "preamble" or "manifest.suite"
	Reason string
}

func (e *FormatError) Error() string { return e.Part + ": " + e.Reason }

func malformed(part, format string, args ...any) error {
	return &FormatError{part, fmt.Sprintf(format, args...)}
}

// A SignatureError says that a signature is missing or wrong.
type SignatureError struct {
	Signer string // public text line of the key, or "" where the signature is missing
	Reason string
}

func (e *SignatureError) Error() string {
	if e.Signer == "" {
		return e.Reason
	}
	return fmt.Sprintf("signature by %s: %s", e.Signer, e.Reason)
}

// An UntrustedError says that all signatures are right, but none is by a key
// that is trusted for this package.
type UntrustedError struct {
	Role      Role   // the role that nobody fills
	PackageID string // the package id that trust was asked for
	Signer    string // public text line of the key that signed
	Reason    string
}

func (e *UntrustedError) Error() string { return e.Reason }

// An AlteredError says that a byte of the file is not what the author signed,
// or that the contents do not match the index.
type AlteredError struct {
	Part   string // "index", "tree", "payload", "gap", "padding" or "file"
	Path   string // the file in the package, where known
	Offset int64  // in the package file, or in the file named by Path
	Reason string
}

func (e *AlteredError) Error() string {
	if e.Path != "" {
		return fmt.Sprintf("%s %q at offset %d: %s", e.Part, e.Path, e.Offset, e.Reason)
	}
	return fmt.Sprintf("%s at offset %d of the package: %s", e.Part, e.Offset, e.Reason)
}

// A NoKeyError says that no identity given opens the package.
type NoKeyError struct {
	Tried      int           // identities given
	Recipients []string      // type and short id of each recipient, as anybody can read them
	Epoch      *MissingEpoch // where it is for a fleet of this agent, and for an epoch out of reach
}

// MissingEpoch is an epoch of a fleet that an agent's keyring does not reach.
type MissingEpoch struct {
	Fleet          FleetID
	Name           string // of the fleet
	Want           uint64
	Oldest, Newest uint64 // that the keyring reaches
}

func (e *NoKeyError) Error() string {
	if m := e.Epoch; m != nil {
		return fmt.Sprintf("it is for epoch %d of fleet %s (%s), and this agent's keyring reaches epochs %d to %d", m.Want, m.Name, m.Fleet.ShortID(), m.Oldest, m.Newest)
	}
	if e.Tried == 0 {
		return "no identity was given to open it with"
	}
	if e.Tried == 1 {
		return "the identity that was given does not open it"
	}
	return fmt.Sprintf("none of the %d identities given opens it", e.Tried)
}

// Names of the clauses of a policy, as they stand in the manifest.
const (
	ClauseTargetFleet = "target_fleet"
	ClauseNotBefore   = "not_before"
	ClauseNotAfter    = "not_after"
)

// A PolicyError says which clause of the author's policy forbids opening.
type PolicyError struct {
	Clause string // one of the Clause constants
	Want   string // what the policy demands
	Got    string // what was found
}

func (e *PolicyError) Error() string {
	return fmt.Sprintf("the policy's %s forbids it: want %s, got %s", e.Clause, e.Want, e.Got)
}

// An UnfinishedError says that a change of the envelope was cut off, so that
// not exactly one slot is in use.
type UnfinishedError struct{ Reason string }

func (e *UnfinishedError) Error() string {
	return "a change of the envelope was cut off: " + e.Reason
}

// ErrBusy means that another program holds the package's lock for longer than
// a change takes, and changes nothing.
var ErrBusy = errors.New("another program is changing the package")
