// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestBadMountpoints tries every folder that cannot be mounted on. Each is
// refused with the same status, names what is wrong and leaves nothing.
func TestBadMountpoints(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	pkg := copyPackage(t, u, subfolder(t, u, dir, "package"))
	file := filepath.Join(dir, "a file")
	full := subfolder(t, u, dir, "full")
	for _, path := range []string{file, filepath.Join(full, "content")} {
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, mountpoint := range map[string]string{
		"missing":               filepath.Join(dir, "missing"),
		"not empty":             full,
		"a file":                file,
		"holds the package":     filepath.Dir(pkg),
		"holds it deeper below": dir,
	} {
		t.Run(name, func(t *testing.T) {
			for _, flags := range [][]string{nil, {"-f"}} {
				r := u.Run(append([]string{"mount", pkg, mountpoint}, flags...)...)
				refused(t, r, 17, filepath.Base(mountpoint))
			}
			nothingMounted(t, u, dir)
		})
	}
}

// TestMountpointInUse mounts over and into a mount.
func TestMountpointInUse(t *testing.T) {
	u := caller(t)
	pkg := samplePackage(t, u)
	m := mount(t, u, pkg)
	refused(t, u.Run("mount", pkg, m.Dir), 17, m.Dir)
	refused(t, u.Run("mount", pkg, filepath.Join(m.Dir, "empty folder")), 17, m.Dir)
	if list := must(rig.Mounts(m.Dir))(t); len(list) != 1 {
		t.Errorf("mounts are %v, want one", list)
	}
	unmount(t, m)
	nothingMounted(t, u, m.Dir)
}

// TestForeignMountpoint mounts where the user may not write.
func TestForeignMountpoint(t *testing.T) {
	u := nobody(t)
	dir := folder(t, caller(t))
	refused(t, u.Run("mount", samplePackage(t, u), dir), 17, dir)
	nothingMounted(t, u, dir)
}

// TestRefusedPackagesAreNotMounted opens packages that must not be opened.
func TestRefusedPackagesAreNotMounted(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	mountpoint := subfolder(t, u, dir, "mnt")
	stranger, err := rig.NewUser(u.Bin, subfolder(t, u, dir, "stranger"), nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.WriteFile(foreign, make([]byte, 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cut := copyPackage(t, u, dir)
	if err := os.Truncate(cut, 200_000); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		user *rig.User
		pkg  string
		code int
	}{
		"foreign file":     {u, foreign, 10},
		"empty file":       {u, empty, 10},
		"cut short":        {u, cut, 10},
		"unknown author":   {stranger, samplePackage(t, u), 12},
		"a missing file":   {u, filepath.Join(dir, "missing"), 1},
		"a folder instead": {u, mountpoint, 10},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, c.user.Run("mount", c.pkg, mountpoint), c.code)
			nothingMounted(t, c.user, dir)
		})
	}
}

// nothingMounted fails the test when a mount or a process is left.
func nothingMounted(t *testing.T, u *rig.User, dir string) {
	t.Helper()
	if list := must(rig.Mounts(dir))(t); len(list) != 0 {
		t.Errorf("mounts left: %v", list)
	}
	if pids := must(rig.Processes(u.Bin))(t); len(pids) != 0 {
		t.Errorf("processes left: %v", pids)
	}
}
