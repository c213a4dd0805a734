// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// Users, the sample model and its packages are made when a test first asks for
// them, and serve all later ones: making them takes longer than most tests.

// plainModel is a generated model in an ordinary folder.
type plainModel struct {
	dir   string
	files int
	bytes int64
}

var sampleModel = sync.OnceValues(func() (plainModel, error) {
	m := plainModel{dir: filepath.Join(lab.scratch, "sample")}
	sum, err := model.Generate(m.dir, model.Options{Seed: 1, Size: 192 << 20, Shards: 3})
	if err != nil {
		return m, err
	}
	save := lab.kit.SaveArgs(m.dir)
	if r := rig.Collect(plainUser().Exec(save[0], save[1:]...)); r.Code != 0 {
		return m, fmt.Errorf("torch.save: %s", r)
	}
	info, err := os.Stat(filepath.Join(m.dir, "pytorch_model.bin"))
	if err != nil {
		return m, err
	}
	m.files, m.bytes = sum.Files+1, sum.Bytes+info.Size()
	return m, errors.Join(os.Chmod(m.dir, 0o755), os.Chmod(filepath.Join(m.dir, info.Name()), 0o644))
})

// plainUser runs programs that have nothing to do with keys.
func plainUser() *rig.User { return &rig.User{Bin: lab.bin, Dir: lab.scratch} }

// sample is a model of some 256 MiB: three shards and what torch.save makes of the first.
func sample(t *testing.T) plainModel {
	t.Helper()
	return must(sampleModel())(t)
}

var callerUser = sync.OnceValues(func() (*rig.User, error) {
	return rig.NewUser(lab.bin, filepath.Join(lab.scratch, "users", "caller"), nil)
})

// caller is whoever runs the tests, with keys of their own.
func caller(t *testing.T) *rig.User {
	t.Helper()
	return must(callerUser())(t)
}

var nobodyUser = sync.OnceValues(func() (*rig.User, error) {
	cred := &syscall.Credential{Uid: rig.Nobody, Gid: rig.Nobody}
	return rig.NewUser(lab.bin, filepath.Join(lab.scratch, "users", "nobody"), cred)
})

// nobody is an unprivileged user. Only root can become one.
func nobody(t *testing.T) *rig.User {
	t.Helper()
	needRoot(t)
	return must(nobodyUser())(t)
}

// needRoot skips a test that changes the machine's caches or mounts, or that
// becomes another user.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("this test needs root")
	}
}

// packages holds the packages that users have made of models for themselves.
var packages sync.Map // packed -> func() (string, error)

type packed struct {
	user  *rig.User
	model string // folder
}

// samplePackage is the sample model, packed by the user for themselves.
func samplePackage(t *testing.T, u *rig.User) string {
	t.Helper()
	return packageOf(t, u, sample(t).dir)
}

// packageOf is a shared model, packed by the user for themselves.
func packageOf(t *testing.T, u *rig.User, dir string) string {
	t.Helper()
	f, _ := packages.LoadOrStore(packed{u, dir}, sync.OnceValues(func() (string, error) {
		pkg := filepath.Join(u.Dir, filepath.Base(dir)+".tgsp")
		if r := u.Run("pack", dir, "-o", pkg); r.Code != 0 {
			return "", fmt.Errorf("%s", r)
		}
		return pkg, nil
	}))
	return must(f.(func() (string, error))())(t)
}
