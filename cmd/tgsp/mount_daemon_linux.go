// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

// daemonMessage is what a daemon tells its parent. The last one holds a state
// where the folder is readable, else an error. Before it there may be one that
// says what it waits for.
type daemonMessage struct {
	Ready   *mountState    `json:"ready,omitempty"`
	Error   *reportedError `json:"error,omitempty"`
	Waiting string         `json:"waiting,omitempty"`
}

// daemon is a process of ours in a session of its own that is about to mount.
type daemon struct {
	*mountOptions
	cmd     *exec.Cmd
	free    bool                // nothing was mounted at the place before
	message chan *daemonMessage // the last; nil where it ended without one
	waiting chan string         // what it waits for
	stderr  chan string         // all that it wrote until it was ready
}

// startDaemon starts the same program with the same options, cut loose from the
// terminal and from all that its caller has open.
func (o *mountOptions) startDaemon(a *app) (*daemon, error) {
	home, err := home()
	if err != nil {
		return nil, err
	}
	table, err := mountTable()
	if err != nil {
		return nil, err
	}
	if err := closeOthersOnExec(); err != nil {
		return nil, err
	}
	ready, readyEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stderr, stderrEnd, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, ready.Close(), readyEnd.Close())
	}
	_, taken := table[o.dir]
	d := &daemon{mountOptions: o, free: !taken, message: make(chan *daemonMessage, 1), waiting: make(chan string, 1), stderr: make(chan string, 1)}
	files := []*os.File{readyEnd, nil}
	if o.handed != nil {
		files[1] = o.handed.file
	}
	more, err := o.handOver(a, files)
	if err != nil {
		return nil, errors.Join(err, more.end(), ready.Close(), readyEnd.Close(), stderr.Close(), stderrEnd.Close())
	}
	d.cmd = exec.Command(program(), o.daemonArgs(more.args)...) // this program itself
	d.cmd.Args[0] = programName()
	d.cmd.Dir = "/" // keeps no folder busy
	d.cmd.Env = append(daemonEnviron(), "TGSP_HOME="+home)
	d.cmd.Stderr = stderrEnd
	d.cmd.ExtraFiles = more.files
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = d.cmd.Start()
	if err = errors.Join(err, more.end(), readyEnd.Close(), stderrEnd.Close()); err != nil {
		return nil, errors.Join(err, ready.Close(), stderr.Close())
	}
	go func() { d.message <- readMessage(ready, d.waiting) }()
	go func() { d.stderr <- readStart(stderr) }()
	return d, nil
}

// wait returns what the daemon says. Where the caller is interrupted first it
// ends the daemon.
func (d *daemon) wait(ctx context.Context, a *app) (*mountState, error) {
	var m *daemonMessage
	for last := false; !last; {
		select {
		case text := <-d.waiting:
			a.notef("tgsp: %s\n", text)
		case m = <-d.message:
			last = true
		case <-ctx.Done():
			return nil, errors.Join(errInterrupted, d.stop())
		}
	}
	if m == nil {
		return nil, d.silent()
	}
	if said := <-d.stderr; said != "" {
		fmt.Fprint(a.stderr, said) // nobody is left to tell
	}
	if m.Error != nil {
		return nil, errors.Join(m.Error, d.cmd.Process.Release())
	}
	return m.Ready, d.cmd.Process.Release()
}

// stopTime is how long a daemon gets to unmount and end by itself.
const stopTime = 3 * time.Second

// stop ends a daemon that has not said yet that it is ready, and makes sure that
// no mount is left.
func (d *daemon) stop() error {
	timer := time.AfterFunc(stopTime, func() {
		d.cmd.Process.Kill() //nolint:errcheck,gosec // it may have ended by now
	})
	defer timer.Stop()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	d.cmd.Wait() //nolint:errcheck,gosec // however it ended
	return d.clean()
}

// clean unmounts what the daemon has left where it ended without doing so.
func (d *daemon) clean() error {
	table, err := mountTable()
	if _, mounted := table[d.dir]; err != nil || !mounted || !d.free {
		return err
	}
	_, err = mount.Unmount(d.dir)
	return err
}

// silent describes a daemon that ended without saying why.
func (d *daemon) silent() error {
	waitErr := d.cmd.Wait()
	how := "without a reason"
	if waitErr != nil {
		how = waitErr.Error()
	}
	last := <-d.stderr
	if log, err := os.ReadFile(d.logFile()); err == nil {
		last = string(log) + last
	}
	last = lastLines(last)
	err := fmt.Errorf("the process that was to serve %s ended before the folder was readable (%s)", d.dir, how)
	if last != "" {
		err = fmt.Errorf("%w; its last lines:\n%s", err, last)
	}
	return withHint(errors.Join(err, d.clean()), "see more with: tgsp mount --foreground …")
}

// logFile returns where the daemon logs to.
func (d *daemon) logFile() string {
	if d.log != "" {
		return d.log
	}
	dir, _ := inHome(runFolder) // the daemon was started with it
	return filepath.Join(dir, stateName(d.dir, d.cmd.Process.Pid)+".log")
}

// program returns the running program's file; lists of processes show its name.
func program() string {
	name, err := os.Executable()
	if err == nil {
		_, err = os.Stat(name)
	}
	if err != nil {
		return "/proc/self/exe" // it works also when an update has replaced the file
	}
	return name
}

// programName is how this program was called. It need not be what its file is
// called, and lists of command lines should show the same for the daemon.
func programName() string {
	name := os.Args[0]
	if strings.ContainsRune(name, filepath.Separator) {
		if abs, err := filepath.Abs(name); err == nil {
			return abs
		}
	}
	return name
}

// daemonEnviron is the part of the environment that matters to a daemon. The
// rest stays behind: people keep passwords in it, and a daemon lives long. So
// does the wish for a core dump, which this program never grants: a crash would
// only take the seconds that Go waits for all threads, and reads with it.
func daemonEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		known := slices.Contains([]string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", credentialVariable}, name)
		return name == "GOTRACEBACK" || !known && !strings.HasPrefix(name, "LC_") && !strings.HasPrefix(name, "GO")
	})
}

// closeOthersOnExec keeps descriptors that this process was started with away
// from the daemon: whoever reads from the other end of one would wait for ever.
func closeOthersOnExec() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// readMessage returns the daemon's last message, or nil where it ended without
// one. What it waits for before goes to waiting, which takes one text.
func readMessage(r io.ReadCloser, waiting chan<- string) *daemonMessage {
	defer r.Close() //nolint:errcheck // only read
	for d := json.NewDecoder(r); ; {
		m := new(daemonMessage)
		if err := d.Decode(m); err != nil {
			return nil
		}
		if m.Waiting == "" {
			if (m.Ready == nil) == (m.Error == nil) {
				return nil
			}
			return m
		}
		select {
		case waiting <- m.Waiting:
		default: // it has said so already
		}
	}
}

// readStart reads all that a daemon writes while it starts.
func readStart(r io.ReadCloser) string {
	defer r.Close()          //nolint:errcheck // only read
	data, _ := io.ReadAll(r) // what came is what there is
	return string(data)
}

// crash begins what a Go program says when it ends by a crash.
var crash = regexp.MustCompile(`(?m)^(panic|fatal error|SIG[A-Z]+): `)

// lastLines returns the last lines of a text, or the first that tell of a crash,
// indented.
func lastLines(text string) string {
	const most = 10
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	start := crash.FindStringIndex(text)
	if start != nil {
		text = text[start[0]:]
	}
	lines := strings.Split(text, "\n")
	if start != nil {
		lines = lines[:min(len(lines), most)]
	}
	return "    " + strings.Join(lines[max(0, len(lines)-most):], "\n    ")
}
