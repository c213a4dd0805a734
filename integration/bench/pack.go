// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/rig"
)

// packing compares pack with a plain copy and with age. Pack has its output on
// the disk when it ends; the others are measured as they are and with that added.
func (b *bench) packing() contest.Contest {
	out := filepath.Join(b.scratch, "out")
	fresh := func() error {
		return errors.Join(os.RemoveAll(out), os.Mkdir(out, 0o755))
	}
	pack := func() (float64, error) {
		r, err := b.pack(b.model, filepath.Join(out, "model.tgsp"))
		b.packRSS = max(b.packRSS, r.MaxRSS)
		return r.Wall.Seconds(), err
	}
	copyTree := func() (float64, error) { return b.seconds("cp", "-r", b.model, out) }
	age := func() (float64, error) { return b.age(filepath.Join(out, "model.tar.age")) }
	return contest.Contest{Name: "pack", Bytes: b.contents, Cold: contest.Coldest(), Field: []contest.Contestant{
		{Name: "tgsp pack", Prepare: fresh, Run: pack},
		{Name: "cp -r", Prepare: fresh, Run: copyTree},
		{Name: "cp -r, synced", Prepare: fresh, Run: b.synced(out, copyTree)},
		{Name: "tar | age -r", Prepare: fresh, Run: age},
		{Name: "tar | age -r, synced", Prepare: fresh, Run: b.synced(out, age)},
	}}
}

// extracting compares extract with a plain copy, both on the disk when they end.
func (b *bench) extracting(pkg string) contest.Contest {
	out := filepath.Join(b.scratch, "out")
	fresh := func() error {
		return errors.Join(os.RemoveAll(out), os.Mkdir(out, 0o755))
	}
	return contest.Contest{Name: "extract", Bytes: b.contents, Cold: contest.Coldest(), Field: []contest.Contestant{
		{Name: "tgsp extract", Prepare: fresh, Run: func() (float64, error) { return b.seconds(b.user.Bin, "extract", pkg, filepath.Join(out, "model")) }},
		{Name: "cp -r, synced", Prepare: fresh, Run: b.synced(out, func() (float64, error) { return b.seconds("cp", "-r", b.model, out) })},
	}}
}

// synced adds the time until what a run has written is on the disk.
func (b *bench) synced(out string, run func() (float64, error)) func() (float64, error) {
	return func() (float64, error) {
		s, err := run()
		if err != nil {
			return 0, err
		}
		start := time.Now()
		err = syncTree(out)
		return s + time.Since(start).Seconds(), err
	}
}

func (b *bench) pack(input, output string, flags ...string) (rig.Result, error) {
	r := b.user.Run(append([]string{"pack", input, "-o", output}, flags...)...)
	if r.Code != 0 {
		return r, errors.New(r.String())
	}
	return r, nil
}

// age encrypts the model as a tar. Both programs' failures count.
func (b *bench) age(output string) (float64, error) {
	tar := b.user.Exec("tar", "-C", b.scratch, "-cf", "-", filepath.Base(b.model))
	age := b.user.Exec("age", "-r", b.key, "-o", output)
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	tar.Stdout, age.Stdin = w, r
	start := time.Now()
	err = errors.Join(tar.Start(), age.Start(), w.Close(), r.Close())
	if err == nil {
		err = errors.Join(tar.Wait(), age.Wait())
	}
	return time.Since(start).Seconds(), err
}

// syncTree puts every file of a folder on the disk.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
