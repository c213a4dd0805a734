// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestMountReturnsWhenReadable mounts, uses the folder at once and unmounts, again and again.
func TestMountReturnsWhenReadable(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg, dir := samplePackage(t, u), subfolder(t, u, folder(t, u), "mnt")
		for range 5 {
			m, err := u.Mount(pkg, dir)
			guard(t, m, err)
			if r := rig.Collect(u.Exec("cat", filepath.Join(dir, "config.json"))); r.Code != 0 || r.Stdout == "" {
				t.Errorf("right after the mount: %s", r)
			}
			unmount(t, m)
		}
	})
}

// TestMountThroughPipes runs the command as a script does that captures its
// output: a daemon that keeps the pipe open would let the script wait for ever.
func TestMountThroughPipes(t *testing.T) {
	u := caller(t)
	dir := subfolder(t, u, folder(t, u), "mnt")
	cmd := u.Command("mount", samplePackage(t, u), dir)
	stdout := must(cmd.StdoutPipe())(t)
	stderr := must(cmd.StderrPipe())(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	for _, r := range []io.Reader{stdout, stderr} {
		go func() {
			_, err := io.Copy(io.Discard, r)
			ended <- err
		}()
	}
	open := 2
	err := rig.Until("both streams of tgsp mount end", func() (bool, error) {
		select {
		case err := <-ended:
			open--
			return open == 0, err
		default:
			return false, nil
		}
	})
	if err != nil {
		t.Error(err)
	}
	if r := u.Run("umount", dir); r.Code != 0 {
		t.Error(r)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	waitForNoProcess(t, u)
}

// waitForNoProcess waits for the ends of daemons whose mounts are gone.
func waitForNoProcess(t *testing.T, u *rig.User) {
	t.Helper()
	err := rig.Until("no process of tgsp runs", func() (bool, error) {
		pids, err := rig.Processes(u.Bin)
		return len(pids) == 0, err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStatusListsMounts(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		r := u.Run("status")
		if r.Code != 0 || !strings.Contains(r.Stdout, m.Dir) {
			t.Errorf("status does not show %s: %s", m.Dir, r)
		}
		if r := u.Run("status", "--json"); r.Code != 0 || !strings.Contains(r.Stdout, m.Dir) || !json.Valid([]byte(r.Stdout)) {
			t.Errorf("status --json does not show %s in an object: %s", m.Dir, r)
		}
		unmount(t, m)
		if r := u.Run("status"); r.Code != 0 || strings.Contains(r.Stdout, m.Dir) {
			t.Errorf("status after umount: %s", r)
		}
	})
}

func TestForegroundEndsOnSignals(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 0, syscall.SIGINT: 0} {
			m := mountForeground(t, u, samplePackage(t, u))
			code, err := m.Signal(signal)
			if err != nil || code != want {
				t.Errorf("%v: exit %d, %v, want %d: %s", signal, code, err, want, m.Log())
			}
			if err := m.Gone(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestDaemonEndsOnSIGTERM stops a background mount as a shutdown of the machine does.
func TestDaemonEndsOnSIGTERM(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		if err := syscall.Kill(m.PID, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}

// TestDaemonLeavesItsCaller checks that closing the terminal cannot end a mount
// and that the daemon keeps no folder busy.
func TestDaemonLeavesItsCaller(t *testing.T) {
	u := caller(t)
	m := mount(t, u, samplePackage(t, u))
	session := sessionOf(t, m.PID)
	if session == sessionOf(t, os.Getpid()) {
		t.Errorf("the daemon stays in its caller's session %d", session)
	}
	unmount(t, m)
}

// TestUnmountOfBusyFolder unmounts while a process keeps a file open: the folder
// goes at once, the open file stays readable, the daemon ends after it is closed.
func TestUnmountOfBusyFolder(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		const shard = "model-00002-of-00003.safetensors"
		cmd := childCommand(u, "hold", filepath.Join(m.Dir, shard))
		stdin, stdout := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer stdin.Close()
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadString('\n'); line != "open\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}

		r := u.Run("umount", m.Dir)
		if r.Code != 0 || !strings.Contains(r.Stderr, "busy") {
			t.Errorf("a busy folder should be unmounted lazily, with a message that says so: %s", r)
		}
		if list := must(rig.Mounts(m.Dir))(t); len(list) != 0 {
			t.Errorf("still mounted: %v", list)
		}
		if m.Exited() {
			t.Error("the daemon ended while a file was open")
		}
		if _, err := stdin.Write([]byte("\n")); err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := json.NewDecoder(lines).Decode(&n); err != nil {
			t.Errorf("reading after the umount: %v", err)
		}
		if want := must(os.Stat(filepath.Join(sample(t).dir, shard)))(t).Size(); n != want {
			t.Errorf("read %d bytes after the umount, want %d", n, want)
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}

func TestUnmountOfWhatIsNotMounted(t *testing.T) {
	u := caller(t)
	refused(t, u.Run("umount", folder(t, u)), 17, "no package is mounted there")
	refused(t, u.Run("umount", filepath.Join(folder(t, u), "missing")), 17, "missing")
}
