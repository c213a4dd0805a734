// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// asEach runs a test as the caller, and as an unprivileged user where the
// caller is root: mounts are then made by fusermount3 and read without root's
// larger read-ahead.
func asEach(t *testing.T, f func(t *testing.T, u *rig.User)) {
	t.Run("caller", func(t *testing.T) { f(t, caller(t)) })
	t.Run("nobody", func(t *testing.T) { f(t, nobody(t)) })
}

func TestMountEqualsPlainFolder(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		plain, pkg := sample(t), samplePackage(t, u)
		m := mount(t, u, pkg)
		c := compare(t, u, plain.dir, m.Dir, createdAt(t, u, pkg))
		wantEqual(t, c, plain.files)
		if c.Bytes != plain.bytes {
			t.Errorf("compared %d bytes, want %d", c.Bytes, plain.bytes)
		}
		unmount(t, m)
	})
}

func TestMountRefusesWrites(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		var results map[string]syscall.Errno
		child(t, u, &results, "writes", m.Dir, "config.json")
		for what, errno := range results {
			// Somebody else's file may not be changed whether or not it could be.
			permission := u.Cred != nil && (errno == syscall.EPERM || errno == syscall.EACCES)
			if errno != syscall.EROFS && !permission {
				t.Errorf("%s: %v, want %v", what, errno, syscall.EROFS)
			}
		}
		if len(results) < 10 {
			t.Errorf("only %d kinds of writes were tried", len(results))
		}
		unmount(t, m)
	})
}

func TestMountOfTenThousandTinyFiles(t *testing.T) {
	const files = 10_000
	plain := must(os.MkdirTemp(lab.scratch, "tiny-"))(t)
	defer os.RemoveAll(plain)
	if err := os.Chmod(plain, 0o755); err != nil {
		t.Fatal(err)
	}
	sum := must(model.Tiny(plain, 1, files))(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := filepath.Join(folder(t, u), "tiny.tgsp")
		if r := u.Run("pack", plain, "-o", pkg); r.Code != 0 {
			t.Fatal(r)
		}
		wantOverhead(t, pkg, sum.Bytes, 1_000_000+sum.Bytes/100)
		m := mount(t, u, pkg)
		wantEqual(t, compare(t, u, plain, m.Dir, createdAt(t, u, pkg)), files)
		unmount(t, m)
	})
}

func TestMountIsInvisibleToOthers(t *testing.T) {
	u := nobody(t)
	m := mount(t, u, samplePackage(t, u))
	// The kernel shuts even root out of another user's mount unless its owner allows it.
	if _, err := os.ReadDir(m.Dir); !os.IsPermission(err) {
		t.Errorf("root lists an unprivileged user's mount: %v", err)
	}
	unmount(t, m)
}

func TestTwoMountsOfOnePackage(t *testing.T) {
	u := caller(t)
	plain, pkg := sample(t), samplePackage(t, u)
	a, b := mount(t, u, pkg), mount(t, u, pkg)
	wantEqual(t, compare(t, u, plain.dir, a.Dir, 0), plain.files)
	unmount(t, a)
	// The second mount stands by itself.
	wantEqual(t, compare(t, u, plain.dir, b.Dir, 0), plain.files)
	unmount(t, b)
}

func TestInodesStayTheSame(t *testing.T) {
	u := caller(t)
	pkg := samplePackage(t, u)
	numbers := func() []uint64 {
		m := mount(t, u, pkg)
		defer unmount(t, m)
		var list []uint64
		for _, name := range []string{".", "config.json", "edge/0.bin", "empty folder"} {
			r := rig.Collect(u.Exec("stat", "-c", "%i", filepath.Join(m.Dir, name)))
			if r.Code != 0 {
				t.Fatal(r)
			}
			list = append(list, must(parseUint(r.Stdout))(t))
		}
		return list
	}
	first, second := numbers(), numbers()
	if !slices.Equal(first, second) {
		t.Errorf("inode numbers were %v and then %v", first, second)
	}
	if slices.Sort(first); len(slices.Compact(first)) != len(second) {
		t.Errorf("two files share an inode number: %v", first)
	}
}
