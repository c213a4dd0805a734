// SPDX-License-Identifier: Apache-2.0

//go:build unix

package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// appendTo makes this binary a process of its own that appends to a log.
const appendTo = "TGSP_TEST_APPEND"

const appended = 200 // events of each such process

func TestMain(m *testing.M) {
	if name := os.Getenv(appendTo); name != "" {
		os.Exit(appendEvents(name))
	}
	os.Exit(m.Run())
}

func appendEvents(name string) int {
	l, err := Open(name, Options{})
	for i := range appended {
		err = errors.Join(err, l.Commit(Event{Event: Opened, Package: os.Args[1], Epoch: uint64(i + 1)}))
	}
	if err = errors.Join(err, l.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func open(t *testing.T, name string) *Log {
	t.Helper()
	l, err := Open(name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, name string) []map[string]any {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, slices.Collect(strings.Lines(string(data))))
}

func TestTwoProcessesAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	var children []*exec.Cmd
	for _, id := range []string{"one", "two"} {
		cmd := exec.Command(os.Args[0], id)
		cmd.Env = append(os.Environ(), appendTo+"="+name)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, cmd)
	}
	for _, cmd := range children {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	next := map[any]float64{}
	for _, fields := range read(t, name) {
		id := fields["package"]
		if next[id]++; fields["epoch"] != next[id] || fields["lost"] != nil {
			t.Fatalf("process %v: %v, want event %v", id, fields, next[id])
		}
	}
	if next["one"] != appended || next["two"] != appended {
		t.Errorf("events %v, want %d of each", next, appended)
	}
}

func TestFileIsPrivateAndKept(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	name := filepath.Join(t.TempDir(), "audit.log")
	mode := func() fs.FileMode {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode()
	}
	l := open(t, name)
	l.Record(Event{Event: Opened})
	closeWell(t, l)
	if mode() != 0o600 {
		t.Errorf("mode %v", mode())
	}
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	l = open(t, name)
	l.Record(Event{Event: Unmounted})
	closeWell(t, l)
	if mode() != 0o640 {
		t.Errorf("mode became %v", mode())
	}
	if lines := read(t, name); len(lines) != 2 || lines[0]["event"] != "opened" || lines[1]["event"] != "unmounted" {
		t.Errorf("lines %v", lines)
	}
}

// A line that a crash has cut off spoils no other.
func TestTornLine(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(name, []byte("{\"time\":\"20"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		l := open(t, name)
		l.Record(Event{Event: Opened})
		l.Record(Event{Event: Unmounted})
		closeWell(t, l)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(data)))
	if len(lines) != 5 || lines[0] != "{\"time\":\"20\n" {
		t.Fatalf("lines %q", lines)
	}
	parse(t, lines[1:])
}

// What another process writes between two looks at a log does not make it torn.
func TestLineOfAnotherIsNotTorn(t *testing.T) {
	name := filepath.Join(t.TempDir(), "audit.log")
	text := "{}\n{\"time\":\"20"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for size, torn := range map[int64]bool{0: false, 3: false, 4: true, int64(len(text)): true} {
		if got := endsTorn(name, size); got != torn {
			t.Errorf("of %d bytes: torn is %t", size, got)
		}
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !staysTorn(f, name) {
		t.Error("what a crash has left is not seen")
	}
	if _, err := f.WriteString("26\"}\n"); err != nil {
		t.Fatal(err)
	}
	if staysTorn(f, name) {
		t.Error("the line has its end now")
	}
}

func TestFullDisk(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) { // Linux alone has it
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	l := newLog("/dev/full", &fileSink{f: f}, Options{})
	if err := l.Commit(Event{Event: Opened}); !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if loss := new(LossError); !errors.As(l.Close(), &loss) || loss.Lost != 1 {
		t.Errorf("got %v", loss)
	}
}

func TestWhatIsNoLog(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	dangling := filepath.Join(dir, "dangling")
	target := filepath.Join(dir, "target")
	err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(file, link), os.Symlink(target, dangling), unix.Mkfifo(pipe, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		link: ErrNotRegular, dangling: ErrNotRegular, pipe: ErrNotRegular, dir: ErrNotRegular, "/dev/null": ErrNotRegular,
		filepath.Join(dir, "no", "log"): fs.ErrNotExist, filepath.Join(file, "log"): unix.ENOTDIR,
	} {
		l, err := Open(name, Options{})
		if e := new(OpenError); !errors.As(err, &e) || !errors.Is(err, want) || e.Dest != name || l != nil {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if strings.Count(err.Error(), name) != 1 {
			t.Errorf("the error names it more than once: %v", err)
		}
	}
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link was followed: %v", err)
	}
	// A link that appears after openFile has looked.
	if _, err := os.OpenFile(link, os.O_WRONLY|os.O_APPEND|noFollow, 0o600); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link is followed: %v", err)
	}
}
