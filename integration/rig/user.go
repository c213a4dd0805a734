// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Nobody is the uid and gid of an unprivileged user, as Debian numbers it.
const Nobody = 65534

// User is somebody who runs the command: a binary, a home for keys and state,
// and, for anyone but the caller, credentials.
type User struct {
	Bin  string              // path of tgsp
	Dir  string              // a folder that the user owns; keys lie in Dir/home, mounts may lie here
	Cred *syscall.Credential // nil: the caller's own
	Env  []string            // beside what Exec gives everybody
}

// NewUser makes a user whose folder is dir, with the keys of `tgsp init`.
func NewUser(bin, dir string, cred *syscall.Credential) (*User, error) {
	u := &User{Bin: bin, Dir: dir, Cred: cred}
	if _, err := u.Mkdir("."); err != nil {
		return nil, err
	}
	if r := u.Run("init"); r.Code != 0 {
		return nil, fmt.Errorf("tgsp init: %s", r)
	}
	return u, nil
}

// Mkdir makes a folder below the user's own, owned by the user, and returns its path.
func (u *User) Mkdir(name string) (string, error) {
	dir := filepath.Join(u.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if u.Cred == nil {
		return dir, nil
	}
	return dir, os.Chown(dir, int(u.Cred.Uid), int(u.Cred.Gid))
}

// Home is the folder that $TGSP_HOME names.
func (u *User) Home() string { return filepath.Join(u.Dir, "home") }

// Exec prepares any program to be run as the user. The environment is small and
// fixed, so that the caller's own settings do not reach a test.
func (u *User) Exec(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = u.Dir
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + u.Dir, "TGSP_HOME=" + u.Home(), "TMPDIR=" + os.TempDir(), "LC_ALL=C.UTF-8",
	}
	cmd.Env = append(cmd.Env, u.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.Cred}
	return cmd
}

// Command prepares tgsp to be run as the user.
func (u *User) Command(args ...string) *exec.Cmd { return u.Exec(u.Bin, args...) }

// Run runs tgsp to its end.
func (u *User) Run(args ...string) Result { return Collect(u.Command(args...)) }
