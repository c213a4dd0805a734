// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/framework"
	"github.com/tensorguard/tgsp/integration/rig"
)

// measure holds all contests. Where it fails the report has what was measured before.
func (b *bench) measure() (*report, error) {
	rep, err := newReport(b.options)
	if err != nil {
		return nil, err
	}
	enter := func(c contest.Contest) error { return b.enter(rep, c) }
	if err := enter(b.packing()); err != nil {
		return rep, err
	}
	rep.Memory = append(rep.Memory, memory{"pack, most memory resident", b.packRSS})

	pkg := filepath.Join(b.scratch, "model.tgsp")
	if _, err := b.pack(b.model, pkg); err != nil {
		return rep, err
	}
	info, err := os.Stat(pkg)
	if err != nil {
		return rep, err
	}
	rep.Package, rep.Contents = info.Size(), b.contents
	for _, c := range []contest.Contest{b.verifying(pkg, info.Size()), b.extracting(pkg), b.preloading(pkg)} {
		if err := enter(c); err != nil {
			return rep, err
		}
	}
	err = b.mounted(pkg, func(m *rig.Mount) error {
		for _, cold := range contest.Temperatures() {
			if err := enter(b.catting("cat", m.Dir, cold)); err != nil {
				return err
			}
		}
		if err := b.againstSmallPages(m.Dir, enter); err != nil {
			return err
		}
		for _, mode := range []string{"mmap-shared", "mmap-private", "read"} {
			for _, cold := range contest.Temperatures() {
				if err := enter(b.loading(mode, b.model, m.Dir, cold)); err != nil {
					return err
				}
			}
		}
		return b.daemonMemory(rep, m)
	})
	if err != nil {
		return rep, err
	}
	blake3 := filepath.Join(b.scratch, "blake3.tgsp")
	if _, err := b.pack(b.model, blake3, "--leaf-hash", "blake3"); err != nil {
		return rep, err
	}
	err = b.mounted(blake3, func(m *rig.Mount) error { return enter(b.catting("cat, BLAKE3 leaves", m.Dir, contest.Coldest())) })
	if err != nil {
		return rep, err
	}
	pickle := filepath.Join(b.scratch, "torch.tgsp")
	if _, err := b.pack(b.torch, pickle); err != nil {
		return rep, err
	}
	err = b.mounted(pickle, func(m *rig.Mount) error {
		for _, cold := range contest.Temperatures() {
			if err := enter(b.loading("torch", b.torch, m.Dir, cold)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return rep, err
	}
	return rep, b.grid(rep)
}

// mounted runs f while a package is mounted.
func (b *bench) mounted(pkg string, f func(*rig.Mount) error) error {
	dir, err := os.MkdirTemp(b.scratch, "mnt-")
	if err != nil {
		return err
	}
	m, err := b.user.Mount(pkg, dir)
	if err != nil {
		return err
	}
	defer m.Kill()
	return errors.Join(f(m), m.Unmount())
}

func (b *bench) verifying(pkg string, size int64) contest.Contest {
	return contest.Contest{Name: "verify", Bytes: size, Cold: contest.Coldest(), Field: []contest.Contestant{
		{Name: "tgsp verify", Run: func() (float64, error) { return b.seconds(b.user.Bin, "verify", pkg) }},
		{Name: "cat", Run: func() (float64, error) { return b.cat(pkg) }},
	}}
}

// preloading compares a mount with everything in memory with reading the plain file
// there.
func (b *bench) preloading(pkg string) contest.Contest {
	dir := filepath.Join(b.scratch, "preloaded")
	return contest.Contest{Name: "into memory", Bytes: b.contents, Cold: contest.Coldest(), Field: []contest.Contestant{
		{Name: "tgsp mount --preload", Prepare: func() error { return os.MkdirAll(dir, 0o755) }, Run: func() (float64, error) {
			s, err := b.seconds(b.user.Bin, "mount", "--preload", pkg, dir)
			if err != nil {
				return 0, err
			}
			_, err = b.seconds(b.user.Bin, "umount", dir)
			return s, err
		}},
		{Name: "cat", Run: func() (float64, error) { return b.cat(filepath.Join(b.model, shard)) }},
	}}
}

// againstSmallPages holds the warm contest of cat once more, see smallPages.
func (b *bench) againstSmallPages(mount string, enter func(contest.Contest) error) error {
	if os.Getuid() != 0 {
		return nil
	}
	file, end, err := b.smallPages()
	if err != nil {
		return err
	}
	c := b.catting("cat", mount, false)
	c.Field[1] = contest.Contestant{Name: "plain file in small pages", Run: func() (float64, error) { return b.cat(file) }}
	return errors.Join(enter(c), end())
}

func (b *bench) catting(name, mount string, cold bool) contest.Contest {
	return contest.Contest{Name: name, Bytes: b.size, Cold: cold, Field: []contest.Contestant{
		{Name: "mount", Run: func() (float64, error) { return b.cat(filepath.Join(mount, shard)) }},
		{Name: "plain file", Run: func() (float64, error) { return b.cat(filepath.Join(b.model, shard)) }},
	}}
}

func (b *bench) loading(mode, plain, mount string, cold bool) contest.Contest {
	return contest.Contest{Name: "PyTorch " + mode, Bytes: b.size, Cold: cold, Late: true, Field: []contest.Contestant{
		{Name: "mount", Run: func() (float64, error) { return b.load(mode, mount, cold) }},
		{Name: "plain folder", Run: func() (float64, error) { return b.load(mode, plain, cold) }},
	}}
}

// cat reads files to nowhere.
func (b *bench) cat(paths ...string) (float64, error) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	cmd := b.user.Exec("cat", paths...)
	cmd.Stdout = null
	r := rig.Collect(cmd)
	if r.Code != 0 {
		return 0, errors.New(r.String())
	}
	return r.Wall.Seconds(), nil
}

// load loads a folder's weights with PyTorch and gives the time that the load
// itself took. The caches are emptied again once the framework is in memory.
func (b *bench) load(mode, dir string, cold bool) (float64, error) {
	return b.kit.Seconds(b.user, framework.PyTorch, mode, dir, cold)
}

// daemonMemory reads every file of the mount and then asks the kernel what the
// daemon holds.
func (b *bench) daemonMemory(rep *report, m *rig.Mount) error {
	var files []string
	err := filepath.WalkDir(m.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := b.cat(files...); err != nil {
		return err
	}
	for _, x := range []struct{ field, name string }{
		{"VmRSS", "daemon, memory resident after reading everything"},
		{"VmHWM", "daemon, most memory resident"},
	} {
		n, err := rig.StatusBytes(m.PID, x.field)
		if err != nil {
			return err
		}
		rep.Memory = append(rep.Memory, memory{x.name, n})
	}
	return nil
}
