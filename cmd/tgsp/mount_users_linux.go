// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxUsers bounds how many programs a message names.
const maxUsers = 5

// usersOf names the programs that use a folder, as far as this user may see.
// It only reads the links that the kernel shows for a process, never the folder,
// whose daemon may hang.
func usersOf(dir string) []string {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var users []string
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() || !uses(pid, dir) {
			continue
		}
		if len(users) == maxUsers {
			return append(users, "others")
		}
		// A process may give itself any name.
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // the number is what counts
		users = append(users, fmt.Sprintf("%s (process %d)", printable(string(bytes.TrimSpace(name))), pid))
	}
	return users
}

// uses reports whether a process has something below a folder open or mapped, or
// works in it.
func uses(pid int, dir string) bool {
	inside := func(path string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
	proc := fmt.Sprintf("/proc/%d", pid)
	links := []string{filepath.Join(proc, "cwd"), filepath.Join(proc, "root"), filepath.Join(proc, "exe")}
	if entries, err := os.ReadDir(filepath.Join(proc, "fd")); err == nil {
		for _, entry := range entries {
			links = append(links, filepath.Join(proc, "fd", entry.Name()))
		}
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && inside(target) {
			return true
		}
	}
	maps, err := os.ReadFile(filepath.Join(proc, "maps"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && inside(strings.TrimSuffix(line[i:], "\n")) {
			return true
		}
	}
	return false
}
