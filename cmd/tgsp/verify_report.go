// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// verifyReportType is the DSSE payload type of a signed report.
const verifyReportType = "application/vnd.tgsp.report.v1+json"

// reportFlags say where verify leaves its evidence, and who signs it.
type reportFlags struct {
	file string
	key  string // of an author key; "" for a report that is not signed
}

// prepare finds out before the work whether a report can be written after it,
// and reads the key that signs it, if any.
func (r *reportFlags) prepare(a *app, pkg string) (*tgspcrypto.AuthorKey, error) {
	if r.file == "" {
		if r.key != "" {
			return nil, usagef("--report-key goes with --report FILE")
		}
		return nil, nil
	}
	dir := filepath.Dir(r.file)
	if _, err := os.Stat(dir); err != nil {
		return nil, withHint(fmt.Errorf("the report: %w", err), "make its folder first: %s", mkdirCommand(dir))
	}
	info, err := os.Stat(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("the report: %w", err)
	case !info.Mode().IsRegular():
		return nil, usagef("--report %s: it is not a regular file", r.file)
	default:
		if p, err := os.Stat(pkg); err == nil && os.SameFile(p, info) {
			return nil, usagef("--report %s: that is the package itself", r.file)
		}
		if !isReport(r.file) {
			return nil, withHint(usagef("--report %s: the file is there and is no report", r.file), "name another file, or remove it")
		}
	}
	if r.key == "" {
		return nil, nil
	}
	return a.authorKey(r.key)
}

// isReport reports whether a file is one that write has left, or empty: only such a
// file is replaced. A slip in a command line must not cost a key.
func isReport(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // only read
	var known struct {
		ReportVersion int    `json:"report_version"`
		PayloadType   string `json:"payloadType"`
	}
	err = json.NewDecoder(io.LimitReader(f, maxReport)).Decode(&known)
	return errors.Is(err, io.EOF) || err == nil && (known.ReportVersion > 0 || known.PayloadType == verifyReportType)
}

// maxReport bounds what is read of a file that may be a report. One has no more than
// a package's envelope and some words.
const maxReport = 64 << 20

// write leaves the report as a whole in place of what was there.
func (r *reportFlags) write(report *verifyReport, key *tgspcrypto.AuthorKey) error {
	if key != nil {
		report.ReportKey = key.Public().String()
	}
	data, err := encodeReport(report)
	if err == nil && key != nil {
		data, err = signReport(data, key)
	}
	if err != nil {
		return err
	}
	return durable.WriteFile(r.file, data, 0o644)
}

func encodeReport(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return []byte(hideSecrets(string(data)) + "\n"), err
}

// dsseEnvelope is a signed document in the JSON form of DSSE
// (github.com/secure-systems-lab/dsse, envelope.md).
type dsseEnvelope struct {
	PayloadType string          `json:"payloadType"`
	Payload     string          `json:"payload"` // base64
	Signatures  []dsseSignature `json:"signatures"`
}

type dsseSignature struct {
	KeyID string `json:"keyid"` // author_id of the key that signed: a hint for finding it
	Sig   string `json:"sig"`   // base64
}

func signReport(data []byte, key *tgspcrypto.AuthorKey) ([]byte, error) {
	text := base64.StdEncoding.EncodeToString
	return encodeReport(dsseEnvelope{
		PayloadType: verifyReportType, Payload: text(data),
		Signatures: []dsseSignature{{key.Public().ID().String(), text(key.Sign(verifyReportType, data))}},
	})
}

// tells reports whether the end of a check is something to file: a judgement, or
// that there could be none because bytes could not be read. A wrong argument, a
// package that is not there and a user who has interrupted it are not.
func (r *reportFlags) tells(s *session, err error) bool {
	kind := classify(err)
	return r.file != "" && (err == nil || kind.refusal() || s != nil && kind == failFailed)
}

// reportTrust returns the role in which a key is trusted for a package, or "".
func reportTrust(trust *container.Trust, key tgspcrypto.AuthorPublicKey, packageID string) string {
	for _, role := range []container.Role{container.RoleAuthor, container.RoleEnvelope} {
		// A key in the role author may do all that the other may.
		if trust.Trusts(key, role, packageID) {
			return string(role)
		}
	}
	return ""
}
