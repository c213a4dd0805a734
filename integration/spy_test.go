// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// spy is the role "spy PID": every way in which a process looks into another
// one's memory, descriptors and environment, each with the error number it gets.
func spy(args []string) (any, error) {
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread() // a tracer is a thread
	open := func(name string, flags int) func() error {
		return func() error {
			f, err := os.OpenFile(filepath.Join("/proc", args[0], name), flags, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			if name == "mem" || name == "fd" {
				return nil // to have opened it is enough
			}
			_, err = f.Read(make([]byte, 1))
			return err
		}
	}
	transfer := func(call func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error)) func() error {
		return func() error {
			local := make([]byte, 8)
			vec := unix.Iovec{Base: &local[0]}
			vec.SetLen(len(local))
			// Nothing is mapped there: who may look gets EFAULT.
			_, err := call(pid, []unix.Iovec{vec}, []unix.RemoteIovec{{Base: 1, Len: len(local)}}, 0)
			return err
		}
	}
	results := make(map[string]syscall.Errno)
	for _, attempt := range []struct {
		what string
		try  func() error
	}{
		{"open environ", open("environ", os.O_RDONLY)},
		{"open auxv", open("auxv", os.O_RDONLY)},
		{"open maps", open("maps", os.O_RDONLY)},
		{"open smaps", open("smaps", os.O_RDONLY)},
		{"open mem for reading", open("mem", os.O_RDONLY)},
		{"open mem for writing", open("mem", os.O_RDWR)},
		{"list fd", open("fd", os.O_RDONLY)},
		{"process_vm_readv", transfer(unix.ProcessVMReadv)},
		{"process_vm_writev", transfer(unix.ProcessVMWritev)},
		{"pidfd_getfd", func() error { return stealDescriptor(pid) }},
		{"PTRACE_SEIZE", func() error { return unix.PtraceSeize(pid) }},
		{"PTRACE_ATTACH", func() error { return unix.PtraceAttach(pid) }},
	} {
		var errno syscall.Errno
		if err := attempt.try(); err != nil && !errors.As(err, &errno) {
			return nil, fmt.Errorf("%s: %w", attempt.what, err)
		}
		results[attempt.what] = errno
	}
	return results, nil
}

func stealDescriptor(pid int) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, 0, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func denied(errno syscall.Errno) bool { return errno == syscall.EPERM || errno == syscall.EACCES }

// TestDaemonIsShutToItsUser lets another process of the daemon's user try to
// look into it, and into an ordinary process, where it finds something.
func TestDaemonIsShutToItsUser(t *testing.T) {
	u := nobody(t)
	pkg := samplePackage(t, u)
	for name, m := range map[string]*rig.Mount{"daemon": mount(t, u, pkg), "foreground": mountForeground(t, u, pkg)} {
		t.Run(name, func(t *testing.T) {
			var results map[string]syscall.Errno
			child(t, u, &results, "spy", strconv.Itoa(m.PID))
			for what, errno := range results {
				if !denied(errno) {
					t.Errorf("%s: %v, want it refused", what, errno)
				}
			}
			if len(results) < 10 {
				t.Errorf("only %d ways were tried", len(results))
			}
			if tracer := must(rig.StatusField(m.PID, "TracerPid"))(t); tracer != "0" {
				t.Errorf("process %s traces it", tracer)
			}
			// The kernel gives files of a process that is not dumpable to root.
			if uid := owner(t, fmt.Sprintf("/proc/%d/environ", m.PID)); uid != 0 {
				t.Errorf("it is dumpable: its environ belongs to %d", uid)
			}
			unmount(t, m)
		})
	}

	// The control: who may look is not refused. The ways of ptrace depend on the
	// machine's settings.
	plain := u.Exec("cat")
	must(plain.StdinPipe())(t) // it waits for what never comes
	if err := plain.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		// To end its input is not enough: a tracer that went away has stopped it.
		_ = plain.Process.Kill()
		_ = plain.Wait()
	}()
	var results map[string]syscall.Errno
	child(t, u, &results, "spy", strconv.Itoa(plain.Process.Pid))
	for _, what := range []string{"open environ", "open maps", "open smaps", "open auxv", "list fd"} {
		if errno := results[what]; errno != 0 {
			t.Errorf("an ordinary process: %s: %v, want it done", what, errno)
		}
	}
}

// TestNoCoreLimit looks at what the kernel would write of a process that crashes.
func TestNoCoreLimit(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		defer unmount(t, m)
		for _, line := range readLines(t, fmt.Sprintf("/proc/%d/limits", m.PID)) {
			if rest, found := strings.CutPrefix(line, "Max core file size"); found {
				if got := strings.Fields(rest); got[0] != "0" || got[1] != "0" {
					t.Errorf("limit %q, want 0 that cannot be raised", got)
				}
				return
			}
		}
		t.Error("no limit on core files is shown")
	})
}
