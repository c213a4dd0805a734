// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// trustFlags are the flags of verbs that demand a trusted author.
type trustFlags struct {
	trusted []string
	require []string
	expect  string
}

func (t *trustFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&t.trusted, "trusted-key", nil, "trust this author `KEY`, a line or a file, besides the trust store")
	flags.StringArrayVar(&t.require, "require-key", nil, "demand a signature by this `KEY`, a line or a file")
	flags.StringVar(&t.expect, "expect", "", "refuse any package but `ID[@VERSION]`")
}

// trust joins the trust store and the flags.
func (t *trustFlags) trust() (*container.Trust, error) {
	store, err := loadTrustStore()
	if err != nil {
		return nil, err
	}
	keys, err := store.keys()
	if err != nil {
		return nil, err
	}
	given, err := authorKeys(t.trusted)
	if err != nil {
		return nil, err
	}
	for _, key := range given {
		keys = append(keys, container.TrustedKey{Key: key, Role: container.RoleAuthor})
	}
	required, err := authorKeys(t.require)
	if err != nil {
		return nil, err
	}
	trust := &container.Trust{Keys: keys, Require: required}
	if t.expect != "" {
		if trust.Expect, err = container.ParseExpectation(t.expect); err != nil {
			return nil, &usageError{err}
		}
	}
	return trust, nil
}

// openFlags are the flags of verbs that open a package's contents.
type openFlags struct {
	trustFlags
	identityFlags
	rollbackFlags // of those that hand them out
	auditFlags
}

func (o *openFlags) add(flags *pflag.FlagSet) {
	o.identityFlags.add(flags)
	o.trustFlags.add(flags)
	o.auditFlags.add(flags)
}

// session is a package at hand, with what the user has to judge and open it.
type session struct {
	file       *container.File
	trust      *container.Trust
	identities []*tgspcrypto.Identity
	reader     *container.Reader // of the contents, where they are open
	facts      container.Facts   // by which they were opened
	*admission                   // likewise
}

// look opens the public part of a package, of which nothing is believed yet, for who
// also goes on where no identity is at hand.
func (o *openFlags) look(a *app, name string) (*session, error) {
	return o.lookWith(a, name, o.loadIfReady)
}

func (o *openFlags) lookWith(a *app, name string, load func(*app) ([]*tgspcrypto.Identity, error)) (*session, error) {
	trust, err := o.trust()
	if err != nil {
		return nil, err
	}
	identities, err := load(a)
	if err != nil {
		return nil, err
	}
	f, err := openPackage(name)
	if err != nil {
		return nil, err
	}
	o.sawFile(f, trust, identities)
	return &session{file: f, trust: trust, identities: identities}, nil
}

// open opens the contents of a package, puts that on record and remembers it.
func (o *openFlags) open(a *app, name string) (*container.Reader, error) {
	s, err := o.begin(a, name)
	if err != nil {
		return nil, err
	}
	if err := s.remember(a); err != nil {
		return nil, errors.Join(about(name, err), s.reader.Close())
	}
	return s.reader, nil
}

// forget gives up what opening took, for who goes on for long with the contents.
func (s *session) forget() {
	s.facts.Forget()
	s.identities = nil
}

// begin opens the contents of a package and puts that on record. Who hands them
// out has to remember that.
func (o *openFlags) begin(a *app, name string) (*session, error) {
	s, err := o.unlock(a, name)
	if err != nil {
		return nil, err
	}
	if err := o.opened(); err != nil {
		return nil, errors.Join(err, s.reader.Close())
	}
	return s, nil
}

// unlock opens the contents of a package: trust, then policy, then key, then age.
// The caller puts it on record and remembers it before anybody can read them.
func (o *openFlags) unlock(a *app, name string) (*session, error) {
	newest, err := o.refusesRollback()
	if err != nil {
		return nil, err
	}
	s, err := o.lookWith(a, name, o.load)
	if err != nil {
		return nil, err
	}
	accepted, err := s.file.Accept(s.trust)
	if err == nil {
		err = s.admit(a, accepted, newest, o.allowRollback)
	}
	if err != nil {
		return nil, errors.Join(about(name, err), s.file.Close())
	}
	return s, nil
}

// verify checks every byte of the package, and the contents too where that can
// be done.
func (o *openFlags) verify(ctx context.Context, a *app, s *session, at *time.Time) (report *container.Report, err error) {
	verify := container.VerifyOptions{Trust: s.trust, At: at}
	var old, unready error // why this agent may not open it, and why its contents cannot be judged
	// The default identity is used where it opens the package, and otherwise the
	// contents stay encrypted; one that was named has to open it.
	if o.given() || s.opens(a) {
		verify.Identities = s.identities
		verify.Facts, old, unready = s.gather(a, s.file.Claims(), recall().state)
		defer verify.Facts.Forget()
		verify.Facts.Floor = time.Time{}
		if at != nil { // a fleet file is judged by the same time as the window
			verify.Facts.Now = *at
		}
		if unready != nil { // all but the contents can be judged all the same
			verify.Identities, verify.Facts = nil, container.Facts{}
		}
	}
	update, end := a.progress("verifying")
	defer end()
	verify.Progress = update
	report, err = s.file.Verify(ctx, verify)
	if err == nil {
		err = cmp.Or(unready, old)
	}
	if err == nil && report.ContentsChecked {
		o.record(audit.Verified, "every byte, and the decrypted contents")
	} else if err == nil {
		o.record(audit.Verified, "every byte")
	}
	return report, err
}

// opens reports whether an identity opens the package, whatever the time.
func (s *session) opens(a *app) bool {
	accepted, err := s.file.Accept(s.trust)
	if err != nil {
		return false
	}
	facts, old, err := s.gather(a, accepted.Envelope, recall().state)
	defer facts.Forget()
	return err == nil && old == nil && accepted.CanOpen(facts, s.identities)
}

// openPackage opens a package file; errors name it.
func openPackage(name string) (*container.File, error) {
	f, err := container.OpenFile(name)
	if errors.As(err, new(*container.FormatError)) && !isPackage(name) {
		err = withHint(err, "a package is what tgsp pack makes of a model: tgsp pack MODEL -o OUT.tgsp")
	}
	return f, about(name, err)
}

// checkOrder says what is wrong where somebody has named the folder before the package.
func checkOrder(pkg, dir string) error {
	if isPackage(pkg) || !isPackage(dir) {
		return nil
	}
	return usagef("the package comes first, then the folder: %s is the package", printable(dir))
}

// isPackage reports whether a file says of itself that it is a package.
func isPackage(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() { // others may wait for ever
		return false
	}
	head, err := readAtMost(name, 64)
	return err == nil && container.HasMagic(head)
}

// about says which package an error is about. Errors of the file system name
// the file themselves.
func about(name string, err error) error {
	if err == nil || isPathError(err) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

// gather collects what a package's policy is judged by. An old keyring of a fleet is
// an error of its own: it comes after what the policy says.
func (s *session) gather(a *app, e *container.Envelope, state *agentState) (facts container.Facts, old, err error) {
	fleets, old, err := memberships(e, s.identities, state)
	return container.Facts{Now: a.now(), Floor: state.floor(), Fleets: fleets}, old, err
}
