// SPDX-License-Identifier: Apache-2.0

package passphrase

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/term"
)

// ErrNoTerminal means that there is nobody to ask.
var ErrNoTerminal = errors.New("there is no terminal to ask for the passphrase")

// Terminal is where a passphrase is asked for. It is not standard input or output:
// those may be files or pipes.
type Terminal struct {
	in, out *os.File
}

// OpenTerminal opens the terminal of this process, or returns ErrNoTerminal.
func OpenTerminal() (*Terminal, error) {
	if runtime.GOOS == "windows" {
		in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
		if err != nil {
			return nil, ErrNoTerminal
		}
		out, err := os.OpenFile("CONOUT$", os.O_WRONLY, 0)
		if err != nil {
			return nil, errors.Join(ErrNoTerminal, in.Close())
		}
		return &Terminal{in, out}, nil
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNoTerminal
	}
	return &Terminal{f, f}, nil
}

// NewTerminal is a terminal that another process has opened.
func NewTerminal(f *os.File) *Terminal { return &Terminal{f, f} }

// File returns what is read from, to hand it to another process.
func (t *Terminal) File() *os.File { return t.in }

// Close closes it.
func (t *Terminal) Close() error {
	err := t.in.Close()
	if t.out != t.in {
		err = errors.Join(err, t.out.Close())
	}
	return err
}

// Ask shows a prompt and reads a line without showing it. Where ctx ends first, the
// terminal is as it was before.
func (t *Terminal) Ask(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(t.in.Fd()) // descriptors are small
	before, err := term.GetState(fd)
	if err != nil {
		return nil, ErrNoTerminal
	}
	fmt.Fprintf(t.out, "%s: ", prompt)
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := term.ReadPassword(fd)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		fmt.Fprintln(t.out)
		return a.line, a.err
	case <-ctx.Done():
		fmt.Fprintln(t.out)
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
