// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/moby/sys/mountinfo"
)

// FSType is the type of a TGSP mount in the kernel's mount table.
const FSType = "fuse.tgsp"

// Mounts lists the mountpoints of TGSP at or below dir.
func Mounts(dir string) ([]string, error) {
	infos, err := mountinfo.GetMounts(func(i *mountinfo.Info) (skip, stop bool) {
		under := i.Mountpoint == dir || strings.HasPrefix(i.Mountpoint, strings.TrimSuffix(dir, "/")+"/")
		return i.FSType != FSType || !under, false
	})
	if err != nil {
		return nil, err
	}
	var list []string
	for _, i := range infos {
		list = append(list, i.Mountpoint)
	}
	return list, nil
}

// Processes lists the ids of all running processes of the binary bin. A daemon
// that forbids its inspection hides the link to its program from other users,
// so the command line counts too.
func Processes(bin string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, _ := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		first, _, _ := bytes.Cut(line, []byte{0})
		if strings.TrimSuffix(exe, " (deleted)") == bin || string(first) == bin {
			list = append(list, pid)
		}
	}
	return list, nil
}

// StatusField reads a field of /proc/PID/status, such as "VmHWM", as text.
func StatusField(pid int, field string) (string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == field {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("/proc/%d/status has no field %s", pid, field)
}

// ForgetPeak gives the caller's unused memory back and has the kernel forget how
// much it had, so that a command's MaxRSS is its own (proc_pid_clear_refs(5)).
func ForgetPeak() error {
	debug.FreeOSMemory()
	return os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// StatusBytes reads a field of /proc/PID/status that is given in kilobytes.
func StatusBytes(pid int, field string) (int64, error) {
	s, err := StatusField(pid, field)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(s, " kB"), 10, 64)
	return n << 10, err
}

// ProcessorTime is how long the process has been on a processor so far: utime and
// stime of proc_pid_stat(5), which any user may read of a process that hides the
// rest.
func ProcessorTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets that may hold anything.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("process %d: its stat has only %d fields", pid, len(fields))
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	const ticksPerSecond = 100 // USER_HZ, the same on all processors that Linux runs on today
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// IO is what a process has asked the system for by read, write and the like,
// whatever it was (proc_pid_io(5)).
type IO struct {
	BytesRead     int64
	Reads, Writes int64 // system calls
}

// ProcessIO returns what a process has asked for so far.
func ProcessIO(pid int) (IO, error) {
	var o IO
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return o, err
	}
	fields := map[string]*int64{"rchar": &o.BytesRead, "syscr": &o.Reads, "syscw": &o.Writes}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if to := fields[name]; to != nil {
			if *to, err = strconv.ParseInt(value, 10, 64); err != nil {
				return o, err
			}
			delete(fields, name)
		}
	}
	if len(fields) > 0 {
		return o, fmt.Errorf("the io of process %d lacks fields: %s", pid, data)
	}
	return o, nil
}

// Since returns what was asked for after an earlier time.
func (o IO) Since(earlier IO) IO {
	return IO{o.BytesRead - earlier.BytesRead, o.Reads - earlier.Reads, o.Writes - earlier.Writes}
}

// DropCaches writes all dirty data out and empties the kernel's caches of
// pages, names and inodes, those of FUSE mounts included. It needs root.
func DropCaches() error {
	syscall.Sync()
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("3\n"), 0)
}

// Until asks for a condition until it holds. A minute is only a guard against
// waiting for ever; it says nothing of how fast something should be.
func Until(what string, holds func() (bool, error)) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		ok, err := holds()
		if err != nil {
			return fmt.Errorf("waiting until %s: %w", what, err)
		}
		if ok {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("waited a minute until %s", what)
		}
	}
}
