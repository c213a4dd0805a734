// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

// uptime survives a suspended machine, other than Go's monotonic clock.
func uptime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // then the wall clock alone decides
	}
	return time.Duration(t.Nano())
}

// bootID tells one run of the system from the next.
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // an empty one does as well
	return string(bytes.TrimSpace(id))
}

// processStart returns when a process was started, in ticks since the machine
// was: field 22 of /proc/PID/stat. A process that has ended gives an error, also
// while its parent has not yet taken notice.
func processStart(pid int) (uint64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets that may hold anything.
	_, rest, _ := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return 0, fmt.Errorf("process %d: its stat has only %d fields", pid, len(fields))
	}
	if state := fields[0]; state == "Z" || state == "X" {
		return 0, fmt.Errorf("process %d has ended", pid)
	}
	return strconv.ParseUint(fields[19], 10, 64)
}

// mountTable returns the mounts of all users by mountpoint.
func mountTable() (map[string]mount.Info, error) {
	list, err := mount.List()
	if err != nil {
		return nil, err
	}
	table := make(map[string]mount.Info, len(list))
	for _, info := range list {
		table[info.Dir] = info
	}
	return table, nil
}

// disconnected reports whether the process behind a folder is gone. One that
// does not answer within a second is there.
func disconnected(dir string) bool {
	answer := make(chan error, 1)
	go func() { answer <- unix.Statfs(dir, new(unix.Statfs_t)) }()
	select {
	case err := <-answer:
		return err == unix.ENOTCONN //nolint:errorlint // system calls return it as it is
	case <-time.After(time.Second):
		return false
	}
}
