// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// findProgram looks a program up as a shell does.
func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) { // by a PATH that says so
		err = nil
	}
	return path, programError(name, err)
}

// programError is the error for a program that cannot be run, with the exit
// status that env(1) and shells have for it.
func programError(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return &programEnd{notFound, withHint(fmt.Errorf("%s: there is no such program", name), "name it by its path, or look at PATH")}
	}
	return &programEnd{notExecutable, fmt.Errorf("%s cannot be run: %w", name, err)}
}

// lingerTime is how long exec waits for the end of the processes that have
// served the program. It takes no time, but where programs are left that it has started.
const lingerTime = time.Second

// runProgram lets the program loose and returns how it has ended.
func (s *space) runProgram(ctx context.Context, a *app, states []*mountState) error {
	forward := forwardSignals(s.cmd.Process)
	if ctx.Err() != nil { // the signal came when nobody was there to take it
		forward.end()
		return errors.Join(errInterrupted, s.abandon())
	}
	_, err := s.socket.Write([]byte{1})
	err = errors.Join(err, s.socket.Close())
	s.cmd.Wait() //nolint:errcheck,gosec // ProcessState says it
	forward.end()
	deadline := time.Now().Add(lingerTime)
	for _, state := range states {
		for state.alive() && time.Now().Before(deadline) {
			time.Sleep(2 * time.Millisecond)
		}
		if !state.alive() {
			a.tellOfLog(state)
		}
	}
	if err != nil {
		return err
	}
	return &programEnd{status: exitStatusOf(s.cmd.ProcessState)}
}

// exitStatusOf is the status that a shell would show.
func exitStatusOf(p *os.ProcessState) int {
	if status, ok := p.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.ExitCode()
}

// forwarding passes signals on to a program.
type forwarding struct {
	signals chan os.Signal
	done    chan struct{}
}

// forwardSignals passes on what others send to this process. What a terminal
// sends, it sends to the program as well.
func forwardSignals(p *os.Process) *forwarding {
	f := &forwarding{make(chan os.Signal, 8), make(chan struct{})}
	for _, s := range []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(s) {
			signal.Notify(f.signals, s)
		}
	}
	go func() {
		defer close(f.done)
		for s := range f.signals {
			byTerminal := s == unix.SIGINT || s == unix.SIGQUIT
			if byTerminal && inForeground() {
				continue
			}
			p.Signal(s) //nolint:errcheck,gosec // it may have ended by now
		}
	}()
	return f
}

func (f *forwarding) end() {
	signal.Stop(f.signals)
	close(f.signals)
	<-f.done
}

// inForeground reports whether this process is of the group to which a terminal
// sends its signals.
func inForeground() bool {
	terminal, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer terminal.Close()                                             //nolint:errcheck // nothing is written
	group, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPGRP) // descriptors are small
	return err == nil && group == unix.Getpgrp()
}
