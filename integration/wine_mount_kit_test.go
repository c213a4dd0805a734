// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"bufio"
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
	winFolder   = -21
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
	stderr *os.File
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
	m.stderr = must(os.Create(filepath.Join(u.TempDir(), "stderr")))(u.T)
	m.stdin = must(cmd.StdinPipe())(u.T)
	stdout, end, err := os.Pipe()
	if err != nil {
		u.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = end, m.stderr
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	go m.listen(stdout)
	go func() {
		cmd.Wait() // the exit code tells
		// Programs that Wine has started keep the pipe open.
		fmt.Fprintln(end, `{"what":"exit"}`)
		end.Close()
	}()
	m.await("shown", "/")
	return m
}

// listen reads until the process has ended.
func (m *winMount) listen(stdout io.ReadCloser) {
	defer close(m.said)
	defer stdout.Close()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		said := winSaid{}
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			said = winSaid{What: "no answer", Path: fmt.Sprintf("%v: %q", err, lines.Text())}
		}
		if said.What == "exit" {
			return
		}
		m.said <- said
	}
}

// messages is standard error.
func (m *winMount) messages() string {
	return string(must(os.ReadFile(m.stderr.Name()))(m.T))
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
	m.Fatalf("it has ended without %q %s: %v\n%v\n%s", what, path, m.cmd.ProcessState, m.past, m.messages())
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
	r := rig.Result{Args: m.cmd.Args, Code: rig.Status(m.cmd.ProcessState), Stderr: m.messages()}
	refused(m.T, r, code, words...)
	m.told("ended")
	m.stdin.Close()
	m.stderr.Close()
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
