// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/cmd/tgsp/passphrase"
)

// handover is what a daemon gets of its caller that it could not open by itself:
// descriptors with secrets, what a command printed, the terminal. The caller passes
// them on and never reads them: that of exec goes on as a process that its user's
// other programs may look into.
type handover struct {
	files []*os.File // from descriptor 3 on, see exec.Cmd.ExtraFiles
	own   []*os.File // those of them that are the caller's to close
	args  []string
}

// add hands a file over and returns its name in the daemon.
func (h *handover) add(f *os.File) string {
	h.files = append(h.files, f)
	return fmt.Sprint(descriptorPrefix, len(h.files)+2)
}

// lend is add for a file that was opened for the daemon alone.
func (h *handover) lend(f *os.File) string {
	h.own = append(h.own, f)
	return h.add(f)
}

// end closes what the daemon has by now.
func (h *handover) end() (err error) {
	for _, f := range h.own {
		err = errors.Join(err, f.Close())
	}
	return err
}

// handOver collects what the daemon needs besides the files that it gets anyway.
func (o *mountOptions) handOver(a *app, files []*os.File) (*handover, error) {
	h := &handover{files: files}
	for _, name := range o.files {
		if isDescriptor(name) {
			f, err := openSecretFile(name)
			if err != nil {
				return h, err
			}
			name = h.add(f)
		}
		h.args = append(h.args, "--identity="+name)
	}
	if o.command != "" {
		printed, err := o.printedIdentities(a)
		if err != nil {
			return h, err
		}
		h.args = append(h.args, "--identity="+h.lend(printed))
	}
	return h, errors.Join(h.addPassphrase(a), h.addTerminal())
}

// printedIdentities runs the command of --identity-command, which needs its caller's
// environment and terminal, and returns what it has printed, unread.
func (o *mountOptions) printedIdentities(a *app) (*os.File, error) {
	fd, err := unix.MemfdCreate("identities", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory for what %s prints: %w", commandName, err)
	}
	printed := os.NewFile(uintptr(fd), commandName)
	cmd := o.shell()
	cmd.Stdout, cmd.Stderr = printed, a.stderr
	if err := cmd.Run(); err != nil {
		return nil, errors.Join(commandFailed(err), printed.Close())
	}
	if _, err := printed.Seek(0, 0); err != nil {
		return nil, errors.Join(err, printed.Close())
	}
	return printed, nil
}

// addPassphrase passes on where the passphrase comes from.
func (h *handover) addPassphrase(a *app) error {
	name, value := a.secrets.file, os.Getenv(passphraseVariable)
	switch {
	case name == "" && (value == "" || os.Getenv(credentialVariable) != ""):
		return nil // the daemon finds the credential by itself
	case name == "":
		// A daemon's environment is there as long as it is: it gets none with a secret.
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		name = h.lend(r)
		if _, err = w.WriteString(value); err != nil {
			return errors.Join(err, w.Close())
		}
		if err := w.Close(); err != nil {
			return err
		}
	case isDescriptor(name):
		f, err := openSecretFile(name)
		if err != nil {
			return err
		}
		name = h.add(f)
	default:
		var err error
		if name, err = filepath.Abs(name); err != nil {
			return err
		}
	}
	h.args = append(h.args, "--passphrase-file="+name)
	return nil
}

// addTerminal lets the daemon ask for a passphrase, unless that would take from
// another program what is typed.
func (h *handover) addTerminal() error {
	terminal, err := passphrase.OpenTerminal()
	if err != nil {
		return nil //nolint:nilerr // there is nobody to ask
	}
	if !inForeground() {
		return terminal.Close()
	}
	h.lend(terminal.File())
	h.args = append(h.args, fmt.Sprintf("--terminal-fd=%d", len(h.files)+2))
	return nil
}

// takeTerminal takes the terminal that the caller has handed over.
func (a *app) takeTerminal(fd int) {
	unix.CloseOnExec(fd) // fusermount3 has no business with it
	a.secrets.terminal = passphrase.NewTerminal(os.NewFile(uintptr(fd), "terminal"))
}
