// SPDX-License-Identifier: Apache-2.0

// Package kit reads and writes the cases of the test kit in testdata/kit: each
// is one file with one defect, and says what a reader has to answer. The form
// is described in testdata/kit/README.md.
package kit

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Outcome is OK or the kind of the refusal, as the command line names it.
type Outcome string

// The outcomes.
const (
	OK         Outcome = "ok"
	Malformed  Outcome = "malformed"
	Signature  Outcome = "signature"
	Untrusted  Outcome = "untrusted"
	Altered    Outcome = "altered"
	NoKey      Outcome = "no-key"
	Fleet      Outcome = "fleet"
	Time       Outcome = "time"
	Unfinished Outcome = "unfinished"
)

// outcomes lists all of them, to refuse others.
var outcomes = []Outcome{OK, Malformed, Signature, Untrusted, Altered, NoKey, Fleet, Time, Unfinished}

// Trusted is a key that the reader of a case trusts.
type Trusted struct {
	Role     string // "author" or "envelope"
	Key      string // public text line
	Packages string // one pattern of package ids, or empty for all
}

// File is what reading one file of a package gives, from its start to its end
// or to the first error.
type File struct {
	Path    string
	Outcome Outcome // OK or Altered
	Length  int64   // bytes that come out
	SHA256  [sha256.Size]byte
}

// What the bundle of a case says of the identity beside it.
const (
	AgentMember  = "member"
	AgentAbsent  = "absent"
	AgentNothing = "nothing"
)

// BundleAs is what the document of a fleet is given as.
const BundleAs = "fleet-bundle"

// Case is one file of the kit: a package, a line that is said to be a key, or a
// document that is said to be a fleet's.
type Case struct {
	ID    string // name of the file, without its extension
	About string // what is wrong, in a sentence

	// Of a package.
	Trusted    []Trusted
	Require    string            // public line of a signer that is demanded besides, or empty
	Expect     string            // ID or ID@VERSION that is expected, or empty
	Identities []string          // also of a document
	Fleets     [][]byte          // bundles that the reader was handed by fleets
	At         time.Time         // the reader's clock
	Public     Outcome           // of a verification without an identity
	Verify     Outcome           // of a verification with the identities, contents included
	Open       Outcome           // of opening: listing, mounting
	Extract    Outcome           // of writing all files to a folder
	Change     Outcome           // of adding a recipient
	Repair     Outcome           // of repairing a change that was cut off
	Files      []File            // where Open is OK, in the order of the payload
	Released   [sha256.Size]byte // of all plaintext that may come out: what Files give, joined
	Package    []byte

	// Of a line or a document: what it is given as (for a line author,
	// author-secret, recipient, identity, fleet, fleet-secret or epoch-secret, for
	// a document BundleAs), and whether it is one.
	As     string
	Line   string
	Bundle []byte
	Agent  string // what an accepted bundle says of the identity, if the case has one
	Accept bool
}

// IsPackage reports whether the case is about a package.
func (c *Case) IsPackage() bool { return c.As == "" }

// ReadAll reads a kit from a folder, sorted by name.
func ReadAll(dir string) ([]*Case, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+Extension))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no test kit", dir)
	}
	sort.Strings(names)
	all := make([]*Case, len(names))
	for i, name := range names {
		if all[i], err = ReadFile(name); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Extension ends the names of the kit's files.
const Extension = ".kit"

// ReadFile reads one case.
func ReadFile(name string) (*Case, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	c, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	base := filepath.Base(name)
	c.ID = base[:len(base)-len(Extension)]
	return c, nil
}

// maxPackage bounds what a case may expand to.
const maxPackage = 16 << 20

func compress(data []byte) []byte {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err) // a buffer takes everything, and the level is a constant
	}
	return b.Bytes()
}

func expand(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, maxPackage+1))
	if err == nil && len(out) > maxPackage {
		err = errors.New("the package is too large for a kit")
	}
	return out, err
}

func digest(s string) (sum [sha256.Size]byte, err error) {
	b, err := hex.DecodeString(s)
	if err == nil && len(b) != len(sum) {
		err = fmt.Errorf("a hash of %d bytes", len(b))
	}
	copy(sum[:], b)
	return sum, err
}
