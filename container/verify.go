// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"io"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// VerifyOptions says what File.Verify demands beyond an intact file.
type VerifyOptions struct {
	Trust *Trust
	// Identities, or fleets among the facts, make it decrypt all contents too and
	// compare them with the index. The policy's window does not matter for that,
	// its fleet does.
	Identities []*tgspcrypto.Identity
	Facts      Facts
	At         *time.Time              // judge the policy's window at this time; nil leaves it out
	Contents   ContentsSink            // receives the files; nil to throw them away
	Progress   func(done, total int64) // payload bytes; may be nil
}

// ContentsSink receives the decrypted files in payload order. What it was given
// is right only when Verify has returned without an error.
type ContentsSink interface {
	// Folder announces a folder that holds nothing.
	Folder(path string) error
	// File begins a file. Its bytes are written, then it is closed.
	File(entry Entry) (io.WriteCloser, error)
}

// Check names one of the things that File.Verify makes sure of. The names are
// stable: they stand in reports.
type Check string

// The checks in the order in which they come.
const (
	CheckStructure   Check = "structure"    // preamble and envelope, by the format; whoever has a *File has it
	CheckSignatures  Check = "signatures"   // all of known algorithms are right, and those that are required are there
	CheckOneEnvelope Check = "one_envelope" // no change was cut off, and the free slot holds nothing
	CheckIndex       Check = "index"        // by its signed hash
	CheckUnusedSpace Check = "unused_space" // it is zero
	CheckHashTree    Check = "hash_tree"    // rebuilt from the payload, compared with content_hash and with what is stored
	CheckTrust       Check = "trust"        // author and envelope are signed by trusted keys; the package is the one expected
	CheckRecipients  Check = "recipients"   // of the policy's fleet alone, where it names one
	CheckContents    Check = "contents"     // decrypted and compared with the index
	CheckTime        Check = "time"         // the policy's window, at the time that was asked for
)

// Checks lists all checks.
func Checks() []Check {
	return []Check{CheckStructure, CheckSignatures, CheckOneEnvelope, CheckIndex, CheckUnusedSpace, CheckHashTree, CheckTrust, CheckRecipients, CheckContents, CheckTime}
}

// Report says what was found and checked.
type Report struct {
	Envelope        *Envelope
	Passed          []Check // what was found right
	Failed          Check   // what the error is about, or ""
	Size            int64   // of the file; every byte of it was checked
	Leaves          int64
	ContentsChecked bool // decrypted and compared with the index
	Files           int  // where ContentsChecked
	FileBytes       int64
}

// Verify checks every byte of the package: structure, signatures, unused space,
// index, tree and payload against what the author signed, and with an identity
// the contents too. It returns the first error in the order in which the exit
// codes are ranked, and a report as far as it got.
func (f *File) Verify(ctx context.Context, o VerifyOptions) (*Report, error) {
	report := &Report{Envelope: f.Claims(), Size: f.Size(), Leaves: f.layout.leaves()}
	report.pass(CheckStructure)
	accepted, refusal := f.Accept(o.Trust)
	if e := new(SignatureError); errors.As(refusal, &e) {
		return report.fail(CheckSignatures, refusal)
	}
	report.pass(CheckSignatures)
	if err := f.Unfinished(); err != nil {
		return report.fail(CheckOneEnvelope, err)
	}
	report.pass(CheckOneEnvelope)
	body := &Accepted{report.Envelope, f}
	if _, err := body.readIndex(); err != nil {
		return report.fail(CheckIndex, err)
	}
	report.pass(CheckIndex)
	if err := f.checkGap(); err != nil {
		return report.fail(CheckUnusedSpace, err)
	}
	report.pass(CheckUnusedSpace)
	// Contents are looked at only where the author is trusted: nothing of an
	// unknown author's gets parsed.
	var contents *contentsCheck
	var keyErr error
	if refusal == nil && (len(o.Identities) > 0 || len(o.Facts.Fleets) > 0) {
		contents, keyErr = accepted.newContentsCheck(o)
		if e := new(AlteredError); errors.As(keyErr, &e) {
			return report.fail(CheckContents, keyErr)
		}
	}
	if err := body.checkPayload(ctx, contents, o.Progress); err != nil {
		return report.fail(contents.check(), contents.abort(err))
	}
	report.pass(CheckHashTree)
	if refusal != nil {
		return report.fail(CheckTrust, refusal)
	}
	report.pass(CheckTrust)
	if err := accepted.checkRecipients(); err != nil {
		return report.fail(CheckRecipients, err)
	}
	report.pass(CheckRecipients)
	if keyErr != nil {
		return report.fail(CheckContents, keyErr)
	}
	if contents != nil {
		report.pass(CheckContents)
		report.ContentsChecked = true
		report.Files, report.FileBytes = len(contents.index.Files), contents.bytes
	}
	if o.At != nil {
		if err := report.Envelope.manifest.Policy.checkTime(Facts{Now: *o.At}); err != nil {
			return report.fail(CheckTime, err)
		}
		report.pass(CheckTime)
	}
	return report, nil
}

func (r *Report) pass(c Check) { r.Passed = append(r.Passed, c) }

func (r *Report) fail(c Check, err error) (*Report, error) {
	r.Failed = c
	return r, err
}

// checkGap makes sure that the bytes before the payload's page are zero.
func (f *File) checkGap() error {
	off := f.layout.gapOffset()
	gap := make([]byte, f.layout.payloadOffset()-off)
	if len(gap) == 0 {
		return nil
	}
	if _, err := f.src.ReadAt(gap, off); err != nil {
		return shrunk(off, err)
	}
	if !allZero(gap) {
		return &AlteredError{Part: "gap", Offset: off, Reason: "the bytes before the payload are not zero"}
	}
	return nil
}

// checkPayload reads the payload once, rebuilds the whole tree from it, and
// compares root and stored tiles. Contents are decrypted on the way.
func (a *Accepted) checkPayload(ctx context.Context, contents *contentsCheck, progress func(done, total int64)) error {
	l := a.file.layout
	tiles := newTileStream(l.leaves(), compareTiles(a.file.src, l))
	batches := newBatches(2*verifyWorkers()+2, l)
	next, done := int64(0), int64(0)
	err := ordered(ctx, verifyWorkers(), batches,
		func(b *batch) (bool, error) {
			b.leaf = next
			next += batchLeaves
			return b.leaf < l.leaves(), nil
		},
		func(b *batch) error {
			if err := b.read(a.file.src, l); err != nil {
				return err
			}
			b.hash(a.manifest.LeafHash)
			if contents == nil {
				return nil
			}
			return contents.open(b)
		},
		func(b *batch) error {
			for _, digest := range b.digests {
				if err := tiles.builder.add(digest); err != nil {
					return err
				}
			}
			if done += int64(len(b.cipher)); progress != nil {
				progress(done, l.payload)
			}
			if contents == nil {
				return nil
			}
			return contents.fault(contents.write(b.plain))
		})
	if err != nil {
		return err
	}
	root, err := tiles.finish()
	if err != nil {
		return err
	}
	if root != a.manifest.ContentHash {
		return &AlteredError{Part: "payload", Offset: l.payloadOffset(), Reason: "its hash is not the content_hash that the author signed"}
	}
	if contents == nil {
		return nil
	}
	return contents.fault(contents.finish())
}
