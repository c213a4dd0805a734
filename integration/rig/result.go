// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Result is what a finished command has left.
type Result struct {
	Args   []string
	Code   int // exit status; 128 and the signal's number where a signal ended it; -1 when it did not start
	Stdout string
	Stderr string
	// MaxRSS is the most memory in bytes that the command ever had resident, or
	// that the caller had before it: Linux counts a process's memory from before
	// it executed the command. See ForgetPeak.
	MaxRSS int64
	Wall   time.Duration
}

// String shows the command with its status and messages, for a test's log.
func (r Result) String() string {
	return fmt.Sprintf("%s: exit %d\n%s%s", strings.Join(r.Args, " "), r.Code, r.Stdout, r.Stderr)
}

// Collect runs a prepared command to its end. A stream that the caller has set
// is left alone and missing from the result.
//
// Output goes through files, not pipes: a daemon that the command leaves behind
// may keep a stream open, and a pipe would be waited for until the daemon ends.
func Collect(cmd *exec.Cmd) Result {
	r := Result{Args: cmd.Args, Code: -1}
	out, err := capture(&cmd.Stdout)
	if err != nil {
		return Result{Args: cmd.Args, Code: -1, Stderr: err.Error()}
	}
	defer out.Close()
	errs, err := capture(&cmd.Stderr)
	if err != nil {
		return Result{Args: cmd.Args, Code: -1, Stderr: err.Error()}
	}
	defer errs.Close()

	start := time.Now()
	err = cmd.Run()
	r.Wall = time.Since(start)
	r.Stdout, r.Stderr = text(out), text(errs)
	if cmd.ProcessState == nil {
		r.Stderr += err.Error()
		return r
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Stderr += err.Error()
		return r
	}
	r.Code = Status(cmd.ProcessState)
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.MaxRSS = usage.Maxrss << 10
	}
	return r
}

// Status is a process's exit status as a shell tells it: 128 and the signal's
// number where a signal ended it.
func Status(p *os.ProcessState) int {
	if ws, ok := p.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return p.ExitCode()
}

// capture points an unset stream at an unlinked temporary file.
func capture(stream *io.Writer) (*os.File, error) {
	f, err := os.CreateTemp("", "stream-")
	if err != nil {
		return nil, err
	}
	if *stream == nil {
		*stream = f
	}
	return f, os.Remove(f.Name())
}

func text(f *os.File) string {
	info, err := f.Stat()
	if err != nil {
		return err.Error()
	}
	b := make([]byte, info.Size())
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return string(b[:n])
}
