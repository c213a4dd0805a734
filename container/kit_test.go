// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"testing"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestKit gives every case of the kit to the core library and compares its
// answers with those that the case states.
func TestKit(t *testing.T) {
	cases, err := kit.ReadAll(kitDir)
	check(t, err)
	count := map[bool]int{}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			switch c.As {
			case "":
			case kit.BundleAs:
				kitBundle(t, c)
				return
			default:
				kitLine(t, c)
				return
			}
			count[c.Verify != kit.OK || c.Open != kit.OK]++
			(&kitReader{T: t, Case: c}).run()
		})
	}
	t.Logf("%d cases, of which %d packages are refused and %d are whole", len(cases), count[true], count[false])
}

func kitLine(t *testing.T, c *kit.Case) {
	var err error
	switch c.As {
	case "author":
		_, err = tgspcrypto.ParseAuthorPublicKey(c.Line)
	case "author-secret":
		_, err = tgspcrypto.ParseAuthorKey(c.Line)
	case "recipient":
		_, err = tgspcrypto.ParseRecipient(c.Line)
	case "identity":
		_, err = tgspcrypto.ParseIdentity(c.Line)
	case "fleet":
		_, err = tgspcrypto.ParseAuthorityPublicKey(c.Line)
	case "fleet-secret":
		_, err = tgspcrypto.ParseAuthorityKey(c.Line)
	case "epoch-secret":
		_, err = tgspcrypto.ParseEpochSecret(c.Line)
	default:
		t.Fatalf("a line as %q", c.As)
	}
	if (err == nil) != c.Accept {
		t.Errorf("%v, and accept is %v", err, c.Accept)
	}
}

// kitReader is a reader of one package of the kit.
type kitReader struct {
	*testing.T
	*kit.Case
	trust      *Trust
	identities []*tgspcrypto.Identity
	facts      Facts
}

func (k *kitReader) run() {
	k.trust = kitTrustOf(k.T, k.Case)
	k.identities = kitIdentities(k.T, k.Case)
	k.facts = Facts{Now: k.At, Fleets: kitFleetsOf(k.T, k.Case, k.identities)}
	k.want("verify without an identity", k.Public, k.verify(nil, Facts{}, nil))
	k.want("verify", k.Verify, k.verify(k.identities, k.facts, nil))
	k.want("open", k.Open, k.read())
	k.want("extract", k.Extract, k.extract())
	k.want("change", k.Change, k.changing(k.addRecipient))
	k.want("repair", k.Repair, k.changing(func(*Change) error { return nil }))
}

func (k *kitReader) want(what string, want kit.Outcome, err error) {
	k.Helper()
	if got := kitOutcome(err); got != want {
		k.Errorf("%s: %s (%v), want %s", what, got, err, want)
	}
}

func kitTrustOf(t *testing.T, c *kit.Case) *Trust {
	t.Helper()
	trust := &Trust{}
	for _, k := range c.Trusted {
		key, err := tgspcrypto.ParseAuthorPublicKey(k.Key)
		check(t, err)
		trusted := TrustedKey{Key: key, Role: Role(k.Role)}
		if k.Packages != "" {
			trusted.Packages = []string{k.Packages}
		}
		trust.Keys = append(trust.Keys, trusted)
	}
	if c.Require != "" {
		key, err := tgspcrypto.ParseAuthorPublicKey(c.Require)
		check(t, err)
		trust.Require = []tgspcrypto.AuthorPublicKey{key}
	}
	if c.Expect != "" {
		var err error
		trust.Expect, err = ParseExpectation(c.Expect)
		check(t, err)
	}
	return trust
}

// kitOutcome names an error as the command line does.
func kitOutcome(err error) kit.Outcome {
	policy := new(PolicyError)
	isPolicy := errors.As(err, &policy)
	switch {
	case err == nil:
		return kit.OK
	case errors.As(err, new(*FormatError)), errors.As(err, new(*NameError)):
		return kit.Malformed
	case errors.As(err, new(*SignatureError)):
		return kit.Signature
	case errors.As(err, new(*UnfinishedError)):
		return kit.Unfinished
	case errors.As(err, new(*AlteredError)):
		return kit.Altered
	case errors.As(err, new(*UntrustedError)):
		return kit.Untrusted
	case isPolicy && policy.Clause == ClauseTargetFleet:
		return kit.Fleet
	case errors.As(err, new(*NoKeyError)):
		return kit.NoKey
	case isPolicy, errors.As(err, new(*ClockError)):
		return kit.Time
	}
	return kit.Outcome(err.Error())
}

func (k *kitReader) verify(identities []*tgspcrypto.Identity, facts Facts, sink ContentsSink) error {
	f, err := NewFile(bytes.NewReader(k.Package), int64(len(k.Package)))
	if err != nil {
		return err
	}
	_, err = f.Verify(k.Context(), VerifyOptions{Trust: k.trust, Identities: identities, Facts: facts, Contents: sink})
	return err
}

func (k *kitReader) open() (*Reader, error) {
	f, err := NewFile(bytes.NewReader(k.Package), int64(len(k.Package)))
	if err != nil {
		return nil, err
	}
	a, err := f.Accept(k.trust)
	if err != nil {
		return nil, err
	}
	return a.Open(k.facts, k.identities)
}

// read opens the package and reads every file, in pieces that are no whole
// leaves; what comes out is compared with what may.
func (k *kitReader) read() error {
	r, err := k.open()
	if err != nil {
		return err
	}
	if len(r.Files()) != len(k.Files) {
		k.Fatalf("%d files, want %d", len(r.Files()), len(k.Files))
	}
	all := sha256.New()
	for i, want := range k.Files {
		data, err := io.ReadAll(io.MultiReader(io.NewSectionReader(fileReader{r, i}, 0, int64(r.Files()[i].Size))))
		all.Write(data)
		if int64(len(data)) != want.Length || sha256.Sum256(data) != want.SHA256 || r.Files()[i].Path != want.Path {
			k.Errorf("%s gave %d bytes, want %d of %s", r.Files()[i].Path, len(data), want.Length, want.Path)
		}
		k.want(want.Path, want.Outcome, err)
	}
	k.released(all)
	return r.Close()
}

type fileReader struct {
	r    *Reader
	file int
}

func (f fileReader) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadFileAt(f.file, p, off) }

func (k *kitReader) released(all hash.Hash) {
	if [sha256.Size]byte(all.Sum(nil)) != k.Released {
		k.Error("the plaintext that came out is not the one that may")
	}
}

// extract is what the command does: it opens the package and then verifies it
// while the files are written. What it gives counts only when all was right.
func (k *kitReader) extract() error {
	if _, err := k.open(); err != nil {
		return err
	}
	sink := &memorySink{}
	err := k.verify(k.identities, k.facts, sink)
	for i, want := range k.Files {
		if err == nil && sha256.Sum256(sink.files[want.Path]) != want.SHA256 {
			k.Errorf("extracted, file %d is not what it may be", i)
		}
	}
	return err
}

// changing is what BeginChange and Repair do, on a disk in memory: they accept
// the package and end a change that was cut off. What is refused must be left as
// it was, and the rest is taken by verify or was not right before.
func (k *kitReader) changing(do func(*Change) error) error {
	disk := newSimDisk(k.Package)
	c, err := acceptLocked(&readerSource{disk, int64(len(k.Package))}, disk, k.trust)
	if err == nil {
		_, err = c.finish()
	}
	if err == nil {
		err = do(c)
	}
	if err != nil {
		if !bytes.Equal(disk.cache, k.Package) {
			k.Errorf("refused with %v, and changed", err)
		}
		return err
	}
	f, err := NewFile(disk, int64(len(disk.cache)))
	check(k, err)
	check(k, f.Unfinished())
	_, err = f.Accept(k.trust)
	return err
}

// addRecipient signs as the kit's author.
func (k *kitReader) addRecipient(c *Change) error {
	more := newIdentity(k, tgspcrypto.X25519)
	_, err := c.AddRecipients([]*tgspcrypto.Recipient{more.Recipient()}, k.identities, newKitKeys(k.T).author)
	return err
}
