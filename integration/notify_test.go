// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// manager is what a service manager has for its services to talk to, and a user
// who starts them with its name.
type manager struct {
	*rig.User
	socket *net.UnixConn
}

func newManager(t *testing.T, u *rig.User) *manager {
	t.Helper()
	name := filepath.Join(folder(t, u), "notify")
	socket := must(net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"}))(t)
	t.Cleanup(func() { socket.Close() })
	if err := os.Chmod(name, 0o666); err != nil {
		t.Fatal(err)
	}
	with := *u
	with.Env = []string{"NOTIFY_SOCKET=" + name}
	return &manager{&with, socket}
}

// told returns the next message, as lines. A minute is only a guard.
func (m *manager) told(t *testing.T) []string {
	t.Helper()
	buffer := make([]byte, 64<<10)
	if err := m.socket.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	n, err := m.socket.Read(buffer)
	if err != nil {
		t.Fatalf("the manager is told nothing: %v", err)
	}
	return strings.Split(string(buffer[:n]), "\n")
}

// toldMore returns a message that has come already, or "".
func (m *manager) toldMore(t *testing.T) string {
	t.Helper()
	buffer := make([]byte, 64<<10)
	n, from := 0, error(nil)
	err := must(m.socket.SyscallConn())(t).Read(func(fd uintptr) bool {
		n, _, from = unix.Recvfrom(int(fd), buffer, unix.MSG_DONTWAIT)
		return true // do not wait for more
	})
	if err != nil || from != nil && !errors.Is(from, unix.EAGAIN) {
		t.Fatal(err, from)
	}
	return string(buffer[:max(n, 0)])
}

// holding has a process that keeps a file open until release.
func holding(t *testing.T, u *rig.User, file string) (release func()) {
	t.Helper()
	cmd := childCommand(u, "hold", file)
	stdin, stdout := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		stdin.Close()
		cmd.Wait()
	})
	t.Cleanup(release)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "open\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	return release
}

// wantStatus checks a message that is a status line, after others that it must have.
func wantStatus(t *testing.T, told []string, before []string, words ...string) {
	t.Helper()
	last := told[len(told)-1]
	if len(told) != len(before)+1 || strings.Join(told[:len(told)-1], " ") != strings.Join(before, " ") || !strings.HasPrefix(last, "STATUS=") {
		t.Errorf("told %q, want %q and a status", told, before)
	}
	for _, word := range words {
		if !strings.Contains(last, word) {
			t.Errorf("the status does not say %q: %q", word, last)
		}
	}
}

// TestReadyWhenReadable hears from a mount in the foreground when its folder can
// be read, and not before: the opening is on record by then. It hears of the end.
func TestReadyWhenReadable(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg, manager := samplePackage(t, u), newManager(t, u)
		dir := folder(t, u)
		record, mountpoint := filepath.Join(dir, "audit"), subfolder(t, u, dir, "mnt\nREADY=0")
		var m *rig.Mount
		var err error
		started := make(chan struct{})
		go func() {
			defer close(started)
			m, err = manager.MountForeground(pkg, mountpoint, "--audit-log", record)
		}()
		told := manager.told(t)
		audited, read := must(os.ReadFile(record))(t), rig.Collect(u.Exec("cat", filepath.Join(mountpoint, "config.json")))
		<-started
		guard(t, m, err)
		wantStatus(t, told, []string{"READY=1"}, "is mounted at "+dir, `mnt\nREADY=0`)
		if !strings.Contains(string(audited), `"event":"opened"`) {
			t.Errorf("it is ready, and the record says only: %s", audited)
		}
		if read.Code != 0 || read.Stdout == "" {
			t.Errorf("it is ready, and cannot be read: %s", read)
		}
		if code, err := m.Signal(syscall.SIGTERM); err != nil || code != 0 {
			t.Errorf("exit %d, %v: %s", code, err, m.Log())
		}
		if told := manager.told(t); len(told) != 1 || told[0] != "STOPPING=1" {
			t.Errorf("at the end it is told %q", told)
		}
	})
}

// TestManagerHearsOfClosing closes a mount that a program uses. That is not the
// end, after which a manager would kill it; the end comes with the program's.
func TestManagerHearsOfClosing(t *testing.T) {
	u := caller(t)
	manager := newManager(t, u)
	pkg := samplePackage(t, u)
	m, err := manager.MountForeground(pkg, subfolder(t, u, folder(t, u), "mnt"))
	guard(t, m, err)
	wantStatus(t, manager.told(t), []string{"READY=1"})
	release := holding(t, u, filepath.Join(m.Dir, "config.json"))
	succeeds(t, u.Run("umount", "--revoke", m.Dir))
	wantStatus(t, manager.told(t), nil, "closed", "tgsp umount --revoke")
	if early := manager.toldMore(t); early != "" || m.Exited() {
		t.Errorf("while a file is open it is told %q", early)
	}
	release()
	if code, err := m.Wait(); err != nil || code != 0 {
		t.Errorf("exit %d, %v: %s", code, err, m.Log())
	}
	if told := manager.told(t); len(told) != 1 || told[0] != "STOPPING=1" {
		t.Errorf("at the end it is told %q", told)
	}
}

// TestManagerIsToldNothing where there is no service: a refusal is an exit status,
// and a daemon has its own parent, whom its state and end do not concern.
func TestManagerIsToldNothing(t *testing.T) {
	u := caller(t)
	manager := newManager(t, u)
	mountpoint := subfolder(t, u, folder(t, u), "mnt")
	cut := copyPackage(t, u, folder(t, u))
	if err := os.Truncate(cut, 200_000); err != nil {
		t.Fatal(err)
	}
	refused(t, manager.Run("mount", "-f", cut, mountpoint), 10)
	m, err := manager.Mount(samplePackage(t, u), mountpoint)
	unmount(t, guard(t, m, err))
	if told := manager.toldMore(t); told != "" {
		t.Errorf("told %q", told)
	}
}
