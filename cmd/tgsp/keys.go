// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// isLine reports whether an argument is a key's text line, not a file's name.
func isLine(s string) bool { return strings.HasPrefix(s, "tgsp-") && strings.Contains(s, ":") }

// authorKey reads the key of --sign-key, by default the one that init made.
func (a *app) authorKey(name string) (*tgspcrypto.AuthorKey, error) {
	isDefault := name == ""
	if isDefault {
		var err error
		if name, err = inHome(authorKeyFile); err != nil {
			return nil, err
		}
	}
	text, err := a.readSecretFile(name)
	if isDefault && errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(fmt.Errorf("there is no author key yet: %w", err), "make one with: tgsp init — or name yours with --sign-key FILE")
	}
	if err != nil {
		return nil, err
	}
	defer clear(text)
	a.checkPermissions(name)
	return tgspcrypto.ReadAuthorKey(bytes.NewReader(text), name)
}

// identities reads the files of -i.
func (a *app) identities(names []string) ([]*tgspcrypto.Identity, error) {
	var all []*tgspcrypto.Identity
	for _, name := range names {
		text, err := a.readSecretFile(name)
		if err != nil {
			return nil, err
		}
		ids, err := tgspcrypto.ReadIdentities(bytes.NewReader(text), name)
		clear(text)
		if err != nil {
			return nil, err
		}
		a.checkPermissions(name)
		all = append(all, ids...)
	}
	return all, nil
}

// ownIdentity reads the identity that init made. That there is none is no error.
func (a *app) ownIdentity() ([]*tgspcrypto.Identity, error) {
	name, err := inHome(identityKeyFile)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return a.identities([]string{name})
}

// recipients parses the lines of -r and reads the files of -R.
func (a *app) recipients(lines, files []string) ([]*tgspcrypto.Recipient, error) {
	var all []*tgspcrypto.Recipient
	for _, line := range lines {
		r, err := tgspcrypto.ParseRecipient(line)
		if err != nil {
			if _, statErr := os.Stat(line); statErr == nil {
				return nil, usagef("-r takes a key's line, and %s is a file: use -R", line)
			}
			return nil, &usageError{err}
		}
		all = append(all, r)
	}
	for _, name := range files {
		rs, err := tgspcrypto.ReadRecipientsFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
	}
	return all, nil
}

// authorKeys reads public author keys, each given as a line or as a file.
func authorKeys(args []string) ([]tgspcrypto.AuthorPublicKey, error) {
	var all []tgspcrypto.AuthorPublicKey
	for _, arg := range args {
		if isLine(arg) {
			key, err := tgspcrypto.ParseAuthorPublicKey(arg)
			if err != nil {
				return nil, &usageError{err}
			}
			all = append(all, key)
			continue
		}
		keys, err := tgspcrypto.ReadAuthorPublicKeyFile(arg)
		if err != nil {
			return nil, err
		}
		all = append(all, keys...)
	}
	return all, nil
}

// checkPermissions warns where others could read a secret key.
func (a *app) checkPermissions(name string) {
	if isDescriptor(name) {
		return // what is behind it is not told by a name
	}
	if shared, err := sysfile.Shared(name); err == nil && shared {
		a.warnf("%s can be read by others; mend it with: %s", printable(name), ownerAloneCommand(name, false))
	}
}
