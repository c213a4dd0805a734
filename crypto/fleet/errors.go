// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// A FormatError says that a document is damaged or no document of a fleet.
type FormatError struct {
	Part   string // the document or field, such as "fleet file.epoch"
	Reason string
}

func (e *FormatError) Error() string { return e.Part + ": " + e.Reason }

func malformed(part, format string, args ...any) error {
	return &FormatError{part, fmt.Sprintf(format, args...)}
}

// A SignatureError says that a document is not what the fleet's authority signed.
type SignatureError struct{ Reason string }

func (e *SignatureError) Error() string { return e.Reason }

// A MemberError says that a fleet's documents do not make this agent a member.
type MemberError struct {
	Fleet  tgspcrypto.FleetID
	Name   string // of the fleet
	Epoch  uint64 // of the fleet file
	Reason string
}

func (e *MemberError) Error() string {
	return fmt.Sprintf("fleet %s (%s), epoch %d: %s", e.Name, e.Fleet.ShortID(), e.Epoch, e.Reason)
}

// A StaleError says that a fleet file is not valid any more: agents may have
// been revoked since.
type StaleError struct {
	Fleet      tgspcrypto.FleetID
	Name       string
	ValidUntil time.Time
	Now        time.Time
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("the fleet file of %s (%s) was valid until %s, and it is %s", e.Name, e.Fleet.ShortID(),
		e.ValidUntil.UTC().Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339))
}

// An EpochError says that a keyring does not reach an epoch.
type EpochError struct {
	Fleet          tgspcrypto.FleetID
	Want           uint64
	Oldest, Newest uint64 // that it reaches
}

func (e *EpochError) Error() string {
	return fmt.Sprintf("epoch %d of fleet %s is wanted, and the keys at hand are of epochs %d to %d", e.Want, e.Fleet.ShortID(), e.Oldest, e.Newest)
}
