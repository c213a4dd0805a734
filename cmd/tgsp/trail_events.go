// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// failureEvent says why something was refused, or has failed.
func failureEvent(known audit.Event, err error) audit.Event {
	e := known
	kind := classify(err)
	e.Event, e.Code, e.Kind = audit.Failed, kind.Code, kind.Kind
	e.Reason = escaped(strings.TrimSpace(err.Error()))
	if kind.refusal() {
		e.Event = audit.Refused
	}
	if altered := new(container.AlteredError); errors.As(err, &altered) {
		e.File, e.Offset = altered.Path, &altered.Offset
	}
	return e
}

// saw remembers what an envelope says, which is only claimed where nobody
// trusted has signed it.
func (f *auditFlags) saw(e *container.Envelope, trusted bool) {
	m := e.Manifest()
	f.known.PackageID, f.known.Version = m.PackageID, m.Version
	f.known.ContentHash, f.known.ManifestHash = m.ContentHash.String(), e.ManifestHash().String()
	f.known.Author, f.known.Fleet = m.AuthorID.String(), hex.EncodeToString(m.Policy.TargetFleet)
	f.known.Trusted = &trusted
	f.known.Epoch = 0
	for _, r := range e.Recipients() {
		if r.Fleet != nil && r.Fleet.String() == f.known.Fleet {
			f.known.Epoch = max(f.known.Epoch, r.Epoch)
		}
	}
}

// sawFile remembers what is trusted in a package, else what it claims, and who
// wants to open it.
func (f *auditFlags) sawFile(file *container.File, trust *container.Trust, identities []*tgspcrypto.Identity) {
	if f.trail == nil {
		return
	}
	accepted, err := file.Accept(trust)
	if err != nil {
		f.saw(file.Claims(), false)
	} else {
		f.saw(accepted.Envelope, true)
	}
	f.sawAgent(accepted, identities)
}

// sawAgent remembers the identity that opens a package by its own key, else the
// first of those that were to: by that one an agent is named in its fleets too.
func (f *auditFlags) sawAgent(accepted *container.Accepted, identities []*tgspcrypto.Identity) {
	if len(identities) == 0 {
		return
	}
	i := 0
	if accepted != nil && len(identities) > 1 {
		i = max(0, slices.IndexFunc(identities, func(id *tgspcrypto.Identity) bool {
			return accepted.CanOpen(container.Facts{}, []*tgspcrypto.Identity{id})
		}))
	}
	sum := identities[i].Recipient().Fingerprint()
	f.known.Agent = hex.EncodeToString(sum[:])
}

// sawChanged remembers what a package says after a change of it was tried.
func (f *auditFlags) sawChanged(name string, trust *container.Trust) {
	if f.trail == nil {
		return
	}
	file, err := container.OpenFile(name)
	if err != nil {
		return // there is nothing to know, and an error that says why
	}
	defer file.Close() //nolint:errcheck // only read
	f.sawFile(file, trust, nil)
}
