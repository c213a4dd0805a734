// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"

	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/cmd/tgsp/passphrase"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// identityFlags are the flags of verbs that can decrypt.
type identityFlags struct {
	files   []string
	command string
	loaded  []*tgspcrypto.Identity // once they were read: a pipe gives them only once
}

// commandName stands for the command's output where a file would be named.
const commandName = "--identity-command"

func (i *identityFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&i.files, "identity", "i", nil, "open with the secret key in `FILE`, or - for standard input (default: the one that tgsp init made)")
	flags.StringVar(&i.command, "identity-command", "", "open with the secret key that `COMMAND` prints, such as one that asks a vault")
}

// given reports whether the user named identities.
func (i *identityFlags) given() bool { return len(i.files) > 0 || i.command != "" }

// load returns the identities that were named, or the user's own.
func (i *identityFlags) load(a *app) (ids []*tgspcrypto.Identity, err error) {
	if i.loaded == nil {
		i.loaded, err = i.read(a)
	}
	return i.loaded, err
}

func (i *identityFlags) read(a *app) ([]*tgspcrypto.Identity, error) {
	if !i.given() {
		return a.ownIdentity()
	}
	ids, err := a.identities(i.files)
	if err != nil || i.command == "" {
		return ids, err
	}
	more, err := i.runCommand(a)
	if err != nil {
		return nil, err
	}
	return append(ids, more...), nil
}

// loadIfReady is load for verbs that can do without. Where the user's own identity is
// protected by a passphrase that a person would have to type, they do.
func (i *identityFlags) loadIfReady(a *app) ([]*tgspcrypto.Identity, error) {
	if i.given() {
		return i.load(a)
	}
	name, err := inHome(identityKeyFile)
	if err != nil {
		return nil, err
	}
	waits, err := a.secrets.wouldAsk(name)
	if err != nil {
		return nil, err
	}
	if waits {
		a.notef("without your identity, which a passphrase protects: -i %s asks for it\n", shellQuote(name))
		return nil, nil
	}
	return i.load(a)
}

// wouldAsk reports whether a file is one that can only be opened by asking for its
// passphrase.
func (p *passphrases) wouldAsk(name string) (bool, error) {
	head, err := readAtMost(name, 64)
	defer clear(head)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !passphrase.Protected(head) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	phrase, err := p.given()
	return phrase == nil, err
}

// runCommand reads the identities that the command prints.
func (i *identityFlags) runCommand(a *app) ([]*tgspcrypto.Identity, error) {
	cmd := i.shell()
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, a.stderr
	err := cmd.Run()
	defer func() { clear(printed.Bytes()) }()
	if err != nil {
		return nil, commandFailed(err)
	}
	text, err := a.withoutProtection(commandName, printed.Bytes())
	if err != nil {
		return nil, err
	}
	defer clear(text)
	return tgspcrypto.ReadIdentities(bytes.NewReader(text), commandName)
}

// shell is the command, in the shell of the system.
func (i *identityFlags) shell() *exec.Cmd {
	cmd := shellCommand(i.command)
	cmd.Stdin = os.Stdin
	return cmd
}

func commandFailed(err error) error {
	return withHint(errors.New(commandName+": "+err.Error()), "run it by itself: it has to print the lines of a secret key file, and end with status 0")
}
