// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tensorguard/tgsp/integration/rig"
)

// smallFolder holds many small files, beside the large one.
const (
	smallFolder = "small"
	smallFiles  = 1000
	smallSize   = 16 << 10
)

// stand is one way in which the same files are to be had.
type stand struct {
	name string
	dir  string
	pid  int // of the process that serves it; 0 for none
	end  func() error
}

// tree makes the folder that every stand shows: the large file and the small ones.
func (b *bench) tree() (string, error) {
	dir := filepath.Join(b.scratch, "tree")
	if err := os.MkdirAll(filepath.Join(dir, smallFolder), 0o755); err != nil {
		return "", err
	}
	if err := os.Link(filepath.Join(b.model, shard), filepath.Join(dir, shard)); err != nil {
		return "", err
	}
	data := make([]byte, smallSize)
	for i := range smallFiles {
		rand.Read(data)
		if err := os.WriteFile(filepath.Join(dir, smallFolder, fmt.Sprintf("%04d.bin", i)), data, 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// packages are the kinds of package that are compared.
var packages = []struct {
	name  string
	flags []string
}{
	{"tgsp", nil},
	{"tgsp, BLAKE3", []string{"--leaf-hash", "blake3"}},
	{"tgsp, ChaCha20", []string{"--cipher", "chacha20-poly1305"}},
}

// stands sets everything up that the files are read from, the plain folder first
// and tgsp's default next.
func (b *bench) stands(tree string) (all []*stand, err error) {
	all = []*stand{{name: "plain", dir: tree, end: func() error { return nil }}}
	defer func() {
		if err != nil {
			err = errors.Join(err, endAll(all))
			all = nil
		}
	}()
	for i, p := range packages {
		s, err := b.tgspStand(b.user, p.name, tree, fmt.Sprintf("stand-%d", i), p.flags)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	for _, peer := range peers {
		s, err := b.peerStand(peer, tree)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (b *bench) tgspStand(u *rig.User, name, tree, at string, flags []string) (*stand, error) {
	pkg := filepath.Join(u.Dir, at+".tgsp")
	if r := u.Run(append([]string{"pack", tree, "-o", pkg, "-q"}, flags...)...); r.Code != 0 {
		return nil, errors.New(r.String())
	}
	dir, err := u.Mkdir(at)
	if err != nil {
		return nil, err
	}
	m, err := u.Mount(pkg, dir)
	if err != nil {
		return nil, err
	}
	return &stand{name, dir, m.PID, func() error {
		defer m.Kill()
		return m.Unmount()
	}}, nil
}

// opensDirect reports whether its files can be opened with O_DIRECT.
func (s *stand) opensDirect() bool {
	fd, err := syscall.Open(filepath.Join(s.dir, shard), syscall.O_RDONLY|syscall.O_DIRECT, 0)
	if err != nil {
		return false
	}
	syscall.Close(fd) // nothing was read
	return true
}

func endAll(all []*stand) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, s.end())
	}
	return errors.Join(errs...)
}

// work does a workload on a stand, in a process of its own as the user.
func (b *bench) work(u *rig.User, workload string, s *stand) (*result, error) {
	cmd := u.Exec(b.self, workload, s.dir)
	cmd.Env = append(cmd.Env, childWorkload+"="+workload)
	r := rig.Collect(cmd)
	if r.Code != 0 {
		return nil, fmt.Errorf("%s from %s: %s", workload, s.name, r)
	}
	v := new(result)
	return v, json.Unmarshal([]byte(r.Stdout), v)
}

// nobody is a user who cannot raise the kernel's read-ahead.
func (b *bench) nobody() (*rig.User, error) {
	return rig.NewUser(b.user.Bin, filepath.Join(b.scratch, "nobody"), &syscall.Credential{Uid: rig.Nobody, Gid: rig.Nobody})
}
