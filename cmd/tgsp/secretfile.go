// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"

	"github.com/tensorguard/tgsp/cmd/tgsp/passphrase"
)

const (
	// standardInput stands for it where a file is asked for.
	standardInput = "-"
	// descriptorPrefix begins the names that shells give to what they pass on in
	// an open descriptor.
	descriptorPrefix = "/dev/fd/"
	// passphraseVariable is the last resort: other programs of this user, and
	// those that this one starts, can see it.
	passphraseVariable = "TGSP_PASSPHRASE"
	// credentialVariable names the folder in which systemd hands a service its
	// credentials (systemd.exec(5)), and passphraseCredential is ours.
	credentialVariable   = "CREDENTIALS_DIRECTORY"
	passphraseCredential = "tgsp-passphrase"
	// passphraseTries is how often somebody may mistype.
	passphraseTries = 3
)

// passphrases is where those come from that protect secret key files.
type passphrases struct {
	file     string               // --passphrase-file
	terminal *passphrase.Terminal // where another process of ours has opened it; else nil
	asking   context.Context      // ends when the user interrupts
	last     []byte               // has opened a file: people use one for all of theirs

	looked bool   // for one that was given without asking
	phrase []byte // nil where there is none
	source string
}

// openSecretFile opens what holds a secret. A descriptor is taken as it is: what
// is behind it need not be ours to open again.
func openSecretFile(name string) (*os.File, error) {
	if name == standardInput {
		return os.Stdin, nil
	}
	number, found := strings.CutPrefix(name, descriptorPrefix)
	if !found {
		return os.Open(name)
	}
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrInvalid}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// isDescriptor reports whether a name is that of an open descriptor.
func isDescriptor(name string) bool {
	return name == standardInput || strings.HasPrefix(name, descriptorPrefix)
}

// readSecretFile returns what a secret key file holds, without the protection that
// it may have. The caller overwrites it.
func (a *app) readSecretFile(name string) ([]byte, error) {
	f, err := openSecretFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, tgspcrypto.MaxKeyFile+1))
	if err != nil {
		return nil, err
	}
	return a.withoutProtection(name, text)
}

// withoutProtection returns a secret text that may be protected by a passphrase.
func (a *app) withoutProtection(name string, text []byte) ([]byte, error) {
	if !passphrase.Protected(text) {
		return text, nil
	}
	return a.secrets.open(name, text)
}

// given returns the passphrase that was given without asking, nil where there is
// none. It is looked for once: a pipe gives it only once.
func (p *passphrases) given() ([]byte, error) {
	if p.looked {
		return p.phrase, nil
	}
	var err error
	if p.phrase, p.source, err = p.look(); err != nil {
		return nil, err
	}
	p.looked = true
	return p.phrase, nil
}

func (p *passphrases) look() (phrase []byte, source string, err error) {
	if p.file != "" {
		phrase, err = readPassphrase(p.file)
		return phrase, p.file, err
	}
	if dir := os.Getenv(credentialVariable); dir != "" {
		name := filepath.Join(dir, passphraseCredential)
		if phrase, err = readPassphrase(name); err == nil || !os.IsNotExist(err) {
			return phrase, name, err
		}
	}
	if value := os.Getenv(passphraseVariable); value != "" {
		return []byte(value), "the variable " + passphraseVariable, nil
	}
	return nil, "", nil
}

// readPassphrase returns a file's first line.
func readPassphrase(name string) ([]byte, error) {
	f, err := openSecretFile(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, 1<<16))
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
		return nil, fmt.Errorf("%s: its first line is empty, and no passphrase", printable(name))
	}
	return line, nil
}

// open opens a protected file. It asks where no passphrase was given.
func (p *passphrases) open(name string, sealed []byte) ([]byte, error) {
	if p.last != nil {
		if text, err := passphrase.Open(sealed, p.last); !errors.Is(err, passphrase.ErrWrong) {
			return text, about(printable(name), err)
		}
	}
	phrase, err := p.given()
	if err != nil {
		return nil, err
	}
	if phrase != nil {
		text, err := passphrase.Open(sealed, phrase)
		if errors.Is(err, passphrase.ErrWrong) {
			err = withHint(err, "it was taken from %s", printable(p.source))
		}
		return text, about(printable(name), err)
	}
	terminal, err := p.openTerminal()
	if err != nil {
		return nil, withHint(fmt.Errorf("%s is protected by a passphrase: %w", printable(name), err),
			"give it with --passphrase-file FILE, or as systemd's credential %s", passphraseCredential)
	}
	prompt := "Passphrase of " + printable(name)
	for try := 1; ; try++ {
		if phrase, err = terminal.Ask(p.asking, prompt); err != nil {
			return nil, err
		}
		text, err := passphrase.Open(sealed, phrase)
		if !errors.Is(err, passphrase.ErrWrong) || try == passphraseTries {
			return p.opened(name, phrase, text, err)
		}
		prompt = "That is not the one. Passphrase of " + printable(name)
	}
}

// opened keeps a passphrase that was right for the next file.
func (p *passphrases) opened(name string, phrase, text []byte, err error) ([]byte, error) {
	if err != nil {
		clear(phrase)
		return nil, about(printable(name), err)
	}
	p.last = phrase
	return text, nil
}

func (p *passphrases) openTerminal() (*passphrase.Terminal, error) {
	if p.terminal == nil {
		terminal, err := passphrase.OpenTerminal()
		if err != nil {
			return nil, err
		}
		p.terminal = terminal
	}
	return p.terminal, nil
}

// choose returns the passphrase for a new file. A person has to give it twice.
func (p *passphrases) choose(name string) ([]byte, error) {
	phrase, err := p.given()
	if err != nil || phrase != nil {
		return phrase, err
	}
	terminal, err := p.openTerminal()
	if err != nil {
		return nil, withHint(err, "give it with --passphrase-file FILE")
	}
	first, err := terminal.Ask(p.asking, "New passphrase of "+printable(name))
	if err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return nil, withHint(errors.New("an empty passphrase protects nothing"), "without --passphrase the file is protected by its permissions alone")
	}
	again, err := terminal.Ask(p.asking, "The same once more")
	if err == nil && !bytes.Equal(first, again) {
		err = errors.New("these are two different passphrases: nothing was written")
	}
	clear(again)
	return first, err
}

// forget overwrites what was kept, and lets go of the terminal.
func (p *passphrases) forget() {
	clear(p.last)
	clear(p.phrase)
	p.last, p.phrase, p.looked = nil, nil, false
	if p.terminal != nil {
		p.terminal.Close() //nolint:errcheck,gosec // nothing was written to it
		p.terminal = nil
	}
}
