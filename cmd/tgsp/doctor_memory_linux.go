// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// checkReadAhead looks whether the kernel's read-ahead can be raised: only opening
// tells, since a container shows its host's files read-only.
func checkReadAhead() *doctorCheck {
	c := &doctorCheck{Name: "reading", OK: true, Found: "mounts decrypt ahead of who reads in sequence: the kernel's read-ahead is root's to raise"}
	settings, _ := filepath.Glob("/sys/class/bdi/*/read_ahead_kb") // the pattern is right
	for _, name := range settings {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			continue
		}
		f.Close() //nolint:errcheck,gosec // nothing was written
		c.Found = "the kernel reads ahead for mounts: its read-ahead can be raised"
		break
	}
	return c
}

// checkMemoryLock looks whether keys and plaintext can be kept out of swap.
func checkMemoryLock() *doctorCheck {
	c := &doctorCheck{Name: "memory", OK: true, Found: "mounts can keep their memory out of swap"}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		return c.failed(err)
	}
	if limit.Max == unix.RLIM_INFINITY || hasIPCLock() {
		return c
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && strings.Count(string(swaps), "\n") <= 1 {
		c.Found = "there is no swap that keys could get into"
		return c
	}
	c.Found = fmt.Sprintf("keys may get into swap: only %s of memory may be locked", byteCount(int64(limit.Max))) //nolint:gosec // a limit that is none is above
	c.Next = "lift the limit: memlock in /etc/security/limits.conf, LimitMEMLOCK=infinity in a unit"
	return c
}

// leastFree is how much room the home folder needs for what tgsp remembers, in bytes.
const leastFree = 16 << 20

func checkDisk() *doctorCheck {
	c := &doctorCheck{Name: "disk", OK: true}
	dir, err := home()
	if err != nil {
		return c.failed(err)
	}
	var s unix.Statfs_t
	for err = unix.Statfs(dir, &s); errors.Is(err, unix.ENOENT) && dir != "/"; err = unix.Statfs(dir, &s) {
		dir = filepath.Dir(dir) // it is made when it is needed
	}
	if err != nil {
		return c.failed(fmt.Errorf("%s: %w", dir, err))
	}
	free := int64(s.Bavail) * s.Bsize //nolint:gosec // no disk has so many
	c.Found = fmt.Sprintf("%s are free where tgsp keeps keys and state", byteCount(free))
	c.Values = map[string]string{"free": fmt.Sprint(free)}
	if free < leastFree {
		return c.failed(withHint(fmt.Errorf("only %s are free at %s, where tgsp keeps keys and state", byteCount(free), dir), "make room: what cannot be remembered is not opened"))
	}
	return c
}
