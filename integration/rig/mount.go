// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// Mount is a mounted package and the process that serves it.
type Mount struct {
	User *User
	Dir  string
	PID  int // the daemon's
	cmd  *exec.Cmd
	log  *os.File
}

// Mount runs `tgsp mount` to its end, which leaves a daemon behind.
func (u *User) Mount(pkg, dir string, flags ...string) (*Mount, error) {
	before, err := Processes(u.Bin)
	if err != nil {
		return nil, err
	}
	r := u.Run(append([]string{"mount", pkg, dir}, flags...)...)
	if r.Code != 0 {
		return nil, fmt.Errorf("%s", r)
	}
	after, err := Processes(u.Bin)
	if err != nil {
		return nil, err
	}
	m := &Mount{User: u, Dir: dir}
	for _, pid := range after {
		if !slices.Contains(before, pid) {
			m.PID = pid
		}
	}
	if m.PID == 0 {
		return nil, fmt.Errorf("%s: no daemon runs after it", r)
	}
	return m, m.mounted()
}

// MountForeground starts `tgsp mount -f` and waits until the mount is there.
// What the process writes to its standard streams is kept for [Mount.Log].
func (u *User) MountForeground(pkg, dir string, flags ...string) (*Mount, error) {
	log, err := os.CreateTemp("", "daemon-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(log.Name()); err != nil {
		return nil, err
	}
	cmd := u.Command(append([]string{"mount", "-f", pkg, dir}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	m := &Mount{User: u, Dir: dir, PID: cmd.Process.Pid, cmd: cmd, log: log}
	err = Until("a mount appears at "+dir, func() (bool, error) {
		if m.Exited() {
			return false, fmt.Errorf("tgsp mount -f ended: %s", m.Log())
		}
		list, err := Mounts(dir)
		return slices.Contains(list, dir), err
	})
	return m, err
}

func (m *Mount) mounted() error {
	list, err := Mounts(m.Dir)
	if err == nil && !slices.Contains(list, m.Dir) {
		err = fmt.Errorf("tgsp mount succeeded, and nothing of type %s is mounted at %s", FSType, m.Dir)
	}
	return err
}

// Log is what a foreground mount has written so far.
func (m *Mount) Log() string { return text(m.log) }

// Exited tells whether the serving process has ended, be it yet unreaped.
func (m *Mount) Exited() bool {
	state, err := StatusField(m.PID, "State")
	return err != nil || strings.HasPrefix(state, "Z")
}

// Signal sends a signal to a foreground mount, waits for its end and gives its
// exit status.
func (m *Mount) Signal(s syscall.Signal) (int, error) {
	if err := m.cmd.Process.Signal(s); err != nil {
		return 0, err
	}
	return m.Wait()
}

// Wait waits until a foreground mount ends by itself and gives its exit status.
func (m *Mount) Wait() (int, error) {
	err := m.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return Status(m.cmd.ProcessState), nil
}

// Unmount runs `tgsp umount` and waits until the mount and its daemon are gone.
func (m *Mount) Unmount() error {
	if r := m.User.Run("umount", m.Dir); r.Code != 0 {
		return fmt.Errorf("%s", r)
	}
	if m.cmd != nil {
		// Reaped here, so that the wait below sees the process gone.
		if err := m.cmd.Wait(); err != nil {
			return fmt.Errorf("tgsp mount -f after umount: %w\n%s", err, m.Log())
		}
	}
	return m.Gone()
}

// Gone waits until neither the mount nor its process is left.
func (m *Mount) Gone() error {
	return Until(m.Dir+" is unmounted and its daemon ends", func() (bool, error) {
		list, err := Mounts(m.Dir)
		return len(list) == 0 && m.Exited(), err
	})
}

// Kill removes the mount and its process by force, for use when a test has
// failed. It leaves nothing to wait for.
func (m *Mount) Kill() {
	// The lazy unmount goes first: it works even where the daemon hangs.
	if list, err := Mounts(m.Dir); err == nil && len(list) > 0 {
		if syscall.Unmount(m.Dir, syscall.MNT_DETACH) != nil {
			_ = m.User.Exec("fusermount3", "-u", "-z", m.Dir).Run()
		}
	}
	if !m.Exited() {
		_ = syscall.Kill(m.PID, syscall.SIGKILL)
	}
	if m.cmd != nil && m.cmd.ProcessState == nil {
		_ = m.cmd.Wait()
	}
	if m.log != nil {
		_ = m.log.Close()
	}
}
