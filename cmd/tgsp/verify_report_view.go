// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// verifyReport is the evidence that verify --report writes. Its names are stable.
type verifyReport struct {
	ReportVersion int            `json:"report_version"`
	Tool          string         `json:"tool"`
	Time          string         `json:"time"` // when it was written, by the clock of this machine
	Host          string         `json:"host"`
	ReportKey     string         `json:"report_key,omitempty"` // that signs the report
	Package       string         `json:"package"`
	*packageView                 // what the package says; claimed only, unless trusted
	Result        string         `json:"result"`
	Refusal       *reportedError `json:"refusal,omitempty"`
	Checks        []checkView    `json:"checks"`
	Demanded      demandedView   `json:"demanded"`
	Signatures    []signedView   `json:"signatures"`                   // over the manifest
	Envelope      *signedView    `json:"envelope_signature,omitempty"` // over the recipients
}

// The results of a verification, and of each check in it.
const (
	resultVerified = "verified"
	resultRefused  = "refused"
	resultFailed   = "failed" // it could not be brought to an end
	checkPassed    = "passed"
	checkFailed    = "failed"
	checkNotMade   = "not checked"
)

type checkView struct {
	Check  string `json:"check"`
	Result string `json:"result"`
	Leaves int64  `json:"leaves,omitempty"` // of the hash tree
	Files  int    `json:"files,omitempty"`  // decrypted
	Bytes  int64  `json:"bytes,omitempty"`  // that the check is over
}

// demandedView is what was asked of the package besides being whole.
type demandedView struct {
	RequiredKeys []string `json:"required_keys"`
	Expect       string   `json:"expect,omitempty"`
	At           string   `json:"at,omitempty"` // time at which the policy's window was judged
}

type signedView struct {
	Algorithm string `json:"algorithm"`
	Known     bool   `json:"known"` // checked, and right; else skipped
	Key       string `json:"key,omitempty"`
	AuthorID  string `json:"author_id,omitempty"`
	Author    bool   `json:"author,omitempty"` // the one that the manifest names
	Trusted   bool   `json:"trusted"`
	Role      string `json:"role,omitempty"` // in which it is trusted for this package
}

// newVerifyReport describes a verification. s and r are nil where the package
// could not even be parsed.
func newVerifyReport(name string, o *verifyOptions, at *time.Time, s *session, r *container.Report, refusal *reportedError) *verifyReport {
	host, _ := os.Hostname() // an empty name does as well
	v := &verifyReport{
		ReportVersion: 1, Tool: versionText(), Time: time.Now().UTC().Format(time.RFC3339Nano), Host: host,
		Package: name, Result: resultVerified, Refusal: refusal, Checks: checkViews(r, refusal), Signatures: []signedView{},
		Demanded: demandedView{RequiredKeys: []string{}, Expect: o.expect},
	}
	if refusal != nil {
		v.Result = resultFailed
		if refusal.refusal() {
			v.Result = resultRefused
		}
	}
	if at != nil {
		v.Demanded.At = at.UTC().Format(time.RFC3339)
	}
	if s == nil {
		return v
	}
	for _, key := range s.trust.Require {
		v.Demanded.RequiredKeys = append(v.Demanded.RequiredKeys, key.String())
	}
	v.describe(name, s, r.Envelope)
	return v
}

// describe fills in what the package says, and who has signed it.
func (v *verifyReport) describe(name string, s *session, e *container.Envelope) {
	said := newPackageView(name, s.file, e, s.trust, nil)
	v.packageView = &said
	view := func(key tgspcrypto.AuthorPublicKey) signedView {
		role := reportTrust(s.trust, key, e.Manifest().PackageID)
		return signedView{
			Algorithm: tgspcrypto.SignatureEd25519, Known: true, Key: key.String(), AuthorID: key.ID().String(),
			Author: key.ID() == e.Manifest().AuthorID, Trusted: role != "", Role: role,
		}
	}
	for _, key := range e.Signers() {
		v.Signatures = append(v.Signatures, view(key))
	}
	for _, algorithm := range e.UnknownSignatures() {
		v.Signatures = append(v.Signatures, signedView{Algorithm: algorithm})
	}
	envelope := view(e.Signer())
	v.Envelope = &envelope
}

// checkViews lists all checks with what has come of each.
func checkViews(r *container.Report, refusal *reportedError) []checkView {
	if r == nil { // it was refused when it was opened: by its structure, or by signatures that are wrong
		r = &container.Report{Failed: container.CheckStructure}
		if refusal.failure == failSignature {
			r = &container.Report{Passed: []container.Check{container.CheckStructure}, Failed: container.CheckSignatures}
		}
	}
	var views []checkView
	for _, check := range container.Checks() {
		v := checkView{Check: string(check), Result: checkNotMade}
		switch {
		case slices.Contains(r.Passed, check):
			v.Result = checkPassed
			v.measure(check, r)
		case check == r.Failed:
			v.Result = checkFailed
		}
		views = append(views, v)
	}
	return views
}

// measure says how much a check was over.
func (v *checkView) measure(check container.Check, r *container.Report) {
	switch {
	case r.Envelope == nil:
	case check == container.CheckHashTree:
		v.Leaves = r.Leaves
		v.Bytes = tgspcrypto.CiphertextSize(int64(r.Envelope.Manifest().PayloadLength)) //nolint:gosec // bounded by the format
	case check == container.CheckIndex:
		v.Bytes = int64(r.Envelope.Manifest().IndexLength) //nolint:gosec // bounded by the format
	case check == container.CheckContents:
		v.Files, v.Bytes = r.Files, r.FileBytes
	}
}
