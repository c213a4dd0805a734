// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Error numbers that programs of WinFsp give.
const (
	winNoEntry  = -2
	winIO       = -5
	winRefused  = -13
	winReadOnly = -30
)

// prepareMounts makes a folder in which tgsp.exe finds the stand-in for WinFsp.
func prepareMounts(t *testing.T, w *rig.Wine) {
	dir := w.Path("mounts")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(w.Path("tgsp.exe"), filepath.Join(dir, "tgsp.exe")); err != nil {
		t.Fatal(err)
	}
	sources := must(filepath.Glob("testdata/winfsp/*.c"))(t)
	if err := rig.BuildLibrary(filepath.Join(dir, "winfsp-x64.dll"), sources...); err != nil {
		t.Fatal(err)
	}
	if err := w.BuildForWindows("build", "-o", dir, "./console"); err != nil {
		t.Fatal(err)
	}
}

// winSaid is a line of what the stand-in says: that it has asked for something and what
// was answered, or what it was told.
type winSaid struct {
	What, Path string
	Answer     int
	Answers    map[string]int // to change
	Spelling   string         // of a path that stat was asked for
	Size       int64
	Mode       uint32
	CRC        uint32 // of what was read
	// Of notify: a read of the file that is kept open, and the opening of this one.
	Again, Opened int
}

// winMount is a tgsp mount that runs, with WinFsp's stand-in.
type winMount struct {
	*testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr bytes.Buffer
	said   chan winSaid
	past   []winSaid
}

// mount starts tgsp mount, and returns when everything is shown.
func (u *winUser) mount(args ...string) *winMount {
	u.Helper()
	return u.mountBy(u.command("mounts/tgsp.exe", append([]string{"mount"}, args...)...))
}

func (u *winUser) mountBy(cmd *exec.Cmd) *winMount {
	u.Helper()
	m := &winMount{T: u.T, cmd: cmd, said: make(chan winSaid, 1000)}
	cmd.Stderr = &m.stderr
	m.stdin = must(cmd.StdinPipe())(u.T)
	stdout := bufio.NewScanner(must(cmd.StdoutPipe())(u.T))
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	go func() {
		defer close(m.said)
		for stdout.Scan() {
			said := winSaid{}
			if err := json.Unmarshal(stdout.Bytes(), &said); err != nil {
				said = winSaid{What: "no answer", Path: fmt.Sprintf("%v: %q", err, stdout.Text())}
			}
			m.said <- said
		}
	}()
	m.await("shown", "/")
	return m
}

// await returns the next line that says this.
func (m *winMount) await(what, path string) winSaid {
	m.Helper()
	for said := range m.said {
		m.past = append(m.past, said)
		if said.What == what && said.Path == path {
			return said
		}
	}
	err := m.cmd.Wait()
	m.Fatalf("it has ended without %q %s: %v\n%v\n%s", what, path, err, m.past, m.stderr.String())
	return winSaid{}
}

// ask has the stand-in ask for something.
func (m *winMount) ask(what, path string) winSaid {
	m.Helper()
	if _, err := fmt.Fprintf(m.stdin, "%s %s\n", what, path); err != nil {
		m.Fatal(err)
	}
	return m.await(what, path)
}

// ends waits for the process, which has to end with an exit code and say these words.
func (m *winMount) ends(code int, words ...string) {
	m.Helper()
	for said := range m.said {
		m.past = append(m.past, said)
	}
	m.cmd.Wait() //nolint:errcheck // the exit code tells
	r := rig.Result{Args: m.cmd.Args, Code: rig.Status(m.cmd.ProcessState), Stderr: m.stderr.String()}
	refused(m.T, r, code, words...)
	m.told("ended")
	m.stdin.Close()
}

// told returns what was said of something, which must be there.
func (m *winMount) told(what string) (all []winSaid) {
	m.Helper()
	for _, said := range m.past {
		if said.What == what {
			all = append(all, said)
		}
	}
	if len(all) == 0 {
		m.Errorf("nothing was said of %q: %v", what, m.past)
	}
	return all
}

// mounts is what status shows.
func (u *winUser) mounts() (mounts []struct{ Mountpoint, State, Metrics string }) {
	u.Helper()
	var status struct {
		Mounts *[]struct{ Mountpoint, State, Metrics string }
	}
	status.Mounts = &mounts
	if err := json.Unmarshal([]byte(u.does("status", "--json").Stdout), &status); err != nil {
		u.Fatal(err)
	}
	return mounts
}

// serving fails the test where status does not show this one mount.
func (u *winUser) serving(mountpoint string) {
	u.Helper()
	if m := u.mounts(); len(m) != 1 || !strings.EqualFold(m[0].Mountpoint, mountpoint) || m[0].State != "serving" {
		u.Errorf("status shows %v, want %s", m, mountpoint)
	}
}

// unmounted fails the test where a mount has left something.
func (u *winUser) unmounted() {
	u.Helper()
	if m := u.mounts(); len(m) != 0 {
		u.Errorf("status still shows %v", m)
	}
	home := *u
	home.dir = u.path("home/run")
	if left := home.left(); len(left) > 0 {
		u.Errorf("left in home: %q", left)
	}
}
