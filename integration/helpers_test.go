// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// must lets a test fail where a value could not be made.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// folder is a fresh folder that the user owns, removed at the end of the test.
func folder(t *testing.T, u *rig.User) string {
	t.Helper()
	// t.TempDir would do, but for its parent, which no other user may enter.
	dir := must(os.MkdirTemp(os.TempDir(), "test-"))(t)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if u.Cred != nil {
		if err := os.Chown(dir, int(u.Cred.Uid), int(u.Cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// subfolder makes a folder below a user's own.
func subfolder(t *testing.T, u *rig.User, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if u.Cred != nil {
		if err := os.Chown(path, int(u.Cred.Uid), int(u.Cred.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// mount mounts a package in a fresh folder, with a daemon. The test must
// unmount it; what a failed test leaves is removed by force.
func mount(t *testing.T, u *rig.User, pkg string) *rig.Mount {
	t.Helper()
	m, err := u.Mount(pkg, subfolder(t, u, folder(t, u), "mnt"))
	return guard(t, m, err)
}

// mountForeground is mount with the serving process in the foreground.
func mountForeground(t *testing.T, u *rig.User, pkg string) *rig.Mount {
	t.Helper()
	m, err := u.MountForeground(pkg, subfolder(t, u, folder(t, u), "mnt"))
	return guard(t, m, err)
}

func guard(t *testing.T, m *rig.Mount, err error) *rig.Mount {
	t.Helper()
	if m != nil {
		t.Cleanup(m.Kill)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func unmount(t *testing.T, m *rig.Mount) {
	t.Helper()
	if err := m.Unmount(); err != nil {
		t.Error(err)
	}
}

// parseUint reads a number that a command has printed.
func parseUint(s string) (uint64, error) {
	return strconv.ParseUint(strings.TrimSpace(s), 10, 64)
}

// createdAt is the time that a package's manifest states, in Unix seconds.
func createdAt(t *testing.T, u *rig.User, pkg string) int64 {
	t.Helper()
	r := u.Run("inspect", "--json", pkg)
	var v struct {
		CreatedAt json.RawMessage `json:"created_at"`
	}
	if err := json.Unmarshal([]byte(r.Stdout), &v); r.Code != 0 || err != nil {
		t.Fatalf("%v: %s", err, r)
	}
	var seconds int64
	if err := json.Unmarshal(v.CreatedAt, &seconds); err == nil {
		return seconds
	}
	var text time.Time
	if err := json.Unmarshal(v.CreatedAt, &text); err != nil {
		t.Fatalf("created_at: %v: %s", err, r)
	}
	return text.Unix()
}

// refused fails the test unless the command ended with the code and its
// messages contain all of the given words.
func refused(t *testing.T, r rig.Result, code int, words ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit %d, want %d: %s", r.Code, code, r)
	}
	for _, w := range words {
		if !strings.Contains(r.Stderr, w) {
			t.Errorf("the message does not say %q: %s", w, r)
		}
	}
}

// dropCaches makes the next reads cold, where the caller may.
func dropCaches(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	if err := rig.DropCaches(); err != nil {
		t.Fatal(err)
	}
}

func readLines(t *testing.T, path string) []string {
	t.Helper()
	return strings.Split(string(must(os.ReadFile(path))(t)), "\n")
}

// owner is the uid that a file belongs to.
func owner(t *testing.T, path string) uint32 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid
}

// sessionOf is the session that a process belongs to.
func sessionOf(t *testing.T, pid int) int {
	t.Helper()
	id, err := unix.Getsid(pid)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
