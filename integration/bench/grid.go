// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/rig"
)

// grid compares all ways to read with all ways to have the files: as root, and as
// a user who cannot raise the kernel's read-ahead.
func (b *bench) grid(rep *report) (err error) {
	tree, err := b.tree()
	if err != nil {
		return err
	}
	b.say("setting up %d packages and %d peers", len(packages), len(peers))
	all, err := b.stands(tree)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endAll(all)) }()
	for _, w := range workloads {
		for _, cold := range contest.Temperatures() {
			if !cold && w.what != "" {
				continue // a fault on what is cached is the kernel's alone
			}
			if err := b.enter(rep, b.reading(b.user, w.name, w.what, all, cold)); err != nil {
				return err
			}
		}
	}
	if err := b.enterAge(rep, all[1]); err != nil {
		return err
	}
	if err := b.enter(rep, b.starting()); err != nil {
		return err
	}
	if err := b.processorTime(rep, all); err != nil || !contest.Coldest() {
		return err
	}
	u, err := b.nobody()
	if err != nil {
		return err
	}
	s, err := b.tgspStand(u, "tgsp", tree, "stand", nil)
	if err != nil {
		return err
	}
	field := []*stand{all[0], s}
	defer func() { err = errors.Join(err, s.end()) }()
	for _, name := range []string{"read", "read, 4 readers", "mmap"} {
		c := b.reading(u, name, "", field, true)
		c.Name += ", as a user"
		if err := b.enter(rep, c); err != nil {
			return err
		}
	}
	return nil
}

// reading is a contest of tgsp's default against all other stands.
func (b *bench) reading(u *rig.User, workload, what string, all []*stand, cold bool) contest.Contest {
	c := contest.Contest{Name: workload, What: what, Bytes: b.size, Cold: cold}
	if workload == "many small files" {
		c.Bytes = smallFiles * smallSize
	}
	order := slices.Concat(all[1:2], all[:1], all[2:])
	for _, s := range order {
		if workload == directReads && !s.opensDirect() {
			b.say("%s refuses O_DIRECT, and is left out", s.name)
			continue
		}
		c.Field = append(c.Field, contest.Contestant{Name: s.name, Run: func() (float64, error) {
			r, err := b.work(u, workload, s)
			if err != nil {
				return 0, err
			}
			return r.Seconds, nil
		}})
	}
	return c
}

// enterAge compares a cold read with decrypting by age, from start to end.
func (b *bench) enterAge(rep *report, s *stand) error {
	file, err := b.encrypted()
	if err != nil {
		return err
	}
	return b.enter(rep, contest.Contest{Name: "read against age -d", Bytes: b.size, Cold: contest.Coldest(), Field: []contest.Contestant{
		{Name: s.name, Run: func() (float64, error) {
			r, err := b.work(b.user, "read", s)
			if err != nil {
				return 0, err
			}
			return r.Seconds, nil
		}},
		{Name: "age -d", Run: func() (float64, error) { return b.decrypt(file) }},
	}})
}

// starting is a contest from the command that mounts to the first byte that is read.
func (b *bench) starting() contest.Contest {
	dir := filepath.Join(b.scratch, "starting")
	first := func(mount string, args ...string) func() (float64, error) {
		return func() (float64, error) {
			s, err := b.seconds("sh", append([]string{"-c", mount + ` && head -c 1 "$0/` + shard + `" >/dev/null`, dir}, args...)...)
			return s, errors.Join(err, exec.Command("fusermount3", "-u", dir).Run())
		}
	}
	empty := func() error { return os.MkdirAll(dir, 0o755) }
	return contest.Contest{Name: "mounted, and a byte read", Bytes: 1, Cold: contest.Coldest(), What: "seconds", Field: []contest.Contestant{
		{Name: "tgsp", Prepare: empty, Run: first(`"$1" mount "$2" "$0" 2>/dev/null`, b.user.Bin, filepath.Join(b.user.Dir, "stand-0.tgsp"))},
		{Name: "gocryptfs", Prepare: empty, Run: first(`gocryptfs -q -extpass "echo `+peerPassword+`" "$1" "$0"`, filepath.Join(b.scratch, "gocryptfs-store"))},
	}}
}

// processorTime says what a sequential read costs the process that serves it.
func (b *bench) processorTime(rep *report, all []*stand) error {
	if !contest.Coldest() {
		return nil
	}
	for _, s := range all {
		if s.pid == 0 {
			continue
		}
		if err := rig.DropCaches(); err != nil {
			return err
		}
		before, err := rig.ProcessorTime(s.pid)
		if err != nil {
			return err
		}
		if _, err := b.work(b.user, "read", s); err != nil {
			return err
		}
		after, err := rig.ProcessorTime(s.pid)
		if err != nil {
			return err
		}
		rss, err := rig.StatusBytes(s.pid, "VmHWM")
		if err != nil {
			return err
		}
		c := cost{Name: s.name, PerGB: (after - before).Seconds() / (float64(b.size) / 1e9), Memory: rss}
		if err := rig.DropCaches(); err != nil {
			return err
		}
		r, err := b.work(b.user, randomFaults, s)
		if err != nil {
			return err
		}
		c.P50, c.P99 = r.Seconds, r.P99
		rep.Costs = append(rep.Costs, c)
	}
	return nil
}

func (b *bench) enter(rep *report, c contest.Contest) error {
	if b.only != nil && !b.only.MatchString(c.Title()) {
		return nil
	}
	rows, err := c.Hold(b.rules())
	rep.Rows = append(rep.Rows, rows...)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Title(), err)
	}
	return nil
}
