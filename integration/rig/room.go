// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/sys/mountinfo"
)

//go:embed room.sh
var roomScript string

// Room is a Debian system beside this one: a root of its own in memory, with its
// own mounts, processes, host name and network, which has nothing in it. When it
// is closed, or this process ends in whatever way, all of it is gone, but for an
// empty cgroup where the process was killed. It takes root.
type Room struct {
	outer  *exec.Cmd
	stdin  io.Closer
	words  *os.File // what it says until it is ready
	pid    int      // of its first process
	cgroup string
}

// OpenRoom unpacks a system. With boot, systemd runs in it.
func OpenRoom(archive string, boot bool) (r *Room, err error) {
	r = new(Room)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.cgroup, err = newCgroup(); err != nil {
		return r, err
	}
	group, err := os.Open(r.cgroup)
	if err != nil {
		return r, err
	}
	defer group.Close()
	if r.words, err = capture(new(io.Writer)); err != nil {
		return r, err
	}
	r.outer = exec.Command("unshare", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--pid", "--fork", "--kill-child", "--propagation", "private",
		"bash", "-c", roomScript, "room.sh", archive, strconv.FormatBool(boot))
	r.outer.Stdout, r.outer.Stderr = r.words, r.words
	r.outer.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if r.stdin, err = r.outer.StdinPipe(); err != nil {
		return r, err
	}
	if err := r.outer.Start(); err != nil {
		return r, err
	}
	return r, Until("a room is ready", func() (bool, error) { return r.ready(boot) })
}

// ready looks for the first process, and asks systemd whether all is up.
func (r *Room) ready(boot bool) (bool, error) {
	if state, err := StatusField(r.outer.Process.Pid, "State"); err != nil || strings.HasPrefix(state, "Z") {
		return false, fmt.Errorf("it ended: %s", text(r.words))
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", r.outer.Process.Pid))
	if err != nil || len(children) == 0 {
		return false, err
	}
	if r.pid, err = strconv.Atoi(strings.Fields(string(children))[0]); err != nil {
		return false, err
	}
	if !boot {
		return strings.Contains(text(r.words), "ready\n"), nil
	}
	switch state := strings.TrimSpace(r.Run("systemctl is-system-running").Stdout); state {
	case "running":
		return true, nil
	case "degraded":
		return false, fmt.Errorf("%s", r.Run("systemctl --failed"))
	}
	return false, nil // it has not come so far yet
}

// Run runs a script in the room as its root, with -e and -u.
func (r *Room) Run(script string) Result { return r.run(nil, nil, script) }

// RunAs is Run as another user, whose home is below /home.
func (r *Room) RunAs(user, script string) Result {
	return r.run(nil, []string{"setpriv", "--reuid", user, "--regid", user, "--init-groups", "env", "HOME=/home/" + user, "USER=" + user}, script)
}

// Put copies a file into the room.
func (r *Room) Put(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	if res := r.run(f, nil, "cat >"+to); res.Code != 0 {
		return fmt.Errorf("%s", res)
	}
	return nil
}

func (r *Room) run(stdin io.Reader, as []string, script string) Result {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // only a guard
	defer cancel()
	args := []string{"--target", strconv.Itoa(r.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--", "chroot", "/mnt", "env", "-i",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	args = append(append(args, as...), "sh", "-euc", "cd; "+script)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	cmd.Stdin = stdin
	result := Collect(cmd)
	result.Args = []string{"in the room: " + script}
	return result
}

// Close ends all that runs in the room, and with it the room.
func (r *Room) Close() error {
	var errs []error
	if r.outer != nil && r.outer.Process != nil {
		r.outer.Process.Kill() //nolint:errcheck // it may have ended
		r.outer.Wait()
		r.stdin.Close()
	}
	if r.words != nil {
		errs = append(errs, r.words.Close())
	}
	if r.cgroup != "" {
		errs = append(errs, Until("the room is empty", func() (bool, error) {
			err := removeCgroup(r.cgroup)
			return err == nil, ignoreBusy(err)
		}))
	}
	return errors.Join(errs...)
}

// newCgroup makes a group for the processes of a room: systemd wants one to divide.
func newCgroup() (string, error) {
	infos, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil || len(infos) == 0 {
		return "", errors.Join(err, errors.New("no cgroup2 is mounted"))
	}
	return os.MkdirTemp(infos[0].Mountpoint, "tgsp-room-")
}

// removeCgroup removes a group and those in it, which takes that nothing runs there.
func removeCgroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	for _, path := range slices.Backward(dirs) {
		err = errors.Join(err, syscall.Rmdir(path))
	}
	return err
}

func ignoreBusy(err error) error {
	if errors.Is(err, syscall.EBUSY) {
		return nil
	}
	return err
}
