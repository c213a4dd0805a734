// SPDX-License-Identifier: Apache-2.0

package passphrase

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPair returns both ends of a pseudo-terminal: what a person has, and what a
// program has.
func openPair(t *testing.T) (person *os.File, terminal *Terminal) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	number, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	terminal = NewTerminal(program)
	t.Cleanup(func() { terminal.Close() })
	return person, terminal
}

func echoes(t *testing.T, terminal *Terminal) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.File().Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// awaitQuiet returns when what is typed is not shown any more.
func awaitQuiet(t *testing.T, terminal *Terminal) {
	t.Helper()
	for range 5000 {
		if !echoes(t, terminal) {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("what is typed is shown")
}

func TestAskShowsNothing(t *testing.T) {
	person, terminal := openPair(t)
	go func() {
		awaitQuiet(t, terminal)
		fmt.Fprintln(person, "correct horse")
	}()
	line, err := terminal.Ask(context.Background(), "Passphrase")
	if err != nil || string(line) != "correct horse" {
		t.Errorf("%q, %v", line, err)
	}
	if !echoes(t, terminal) {
		t.Error("the terminal shows nothing afterwards")
	}
	fmt.Fprintln(terminal.File(), "end")
	shown := ""
	for r := bufio.NewReader(person); !strings.Contains(shown, "end"); {
		part, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		shown += part
	}
	if !strings.HasPrefix(shown, "Passphrase: ") || strings.Contains(shown, "horse") {
		t.Errorf("shown: %q", shown)
	}
}

func TestInterruptedAskRestoresTheTerminal(t *testing.T) {
	_, terminal := openPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		awaitQuiet(t, terminal)
		cancel()
	}()
	if line, err := terminal.Ask(ctx, "Passphrase"); !errors.Is(err, context.Canceled) || line != nil {
		t.Errorf("%q, %v", line, err)
	}
	if !echoes(t, terminal) {
		t.Error("the terminal shows nothing afterwards")
	}
}

func TestNoTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := NewTerminal(f).Ask(context.Background(), "Passphrase"); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("%v", err)
	}
}
