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
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"

	"github.com/tensorguard/tgsp/integration/rig"
)

// peer is another program that shows encrypted files as a folder. None of them
// signs what it shows.
type peer struct {
	name string
	// make prepares the encrypted folder, empty; or full, where fills says so.
	make  func(b *bench, store, tree string) *exec.Cmd
	fills bool
	// serve shows it at dir, in the foreground.
	serve func(b *bench, store, dir string) *exec.Cmd
}

const peerPassword = "bench" // nothing is kept from anybody

var peers = []peer{
	{
		"gocryptfs",
		func(b *bench, store, _ string) *exec.Cmd {
			return b.user.Exec("gocryptfs", "-q", "-init", "-scryptn", "10", "-extpass", "echo "+peerPassword, store)
		},
		false,
		func(b *bench, store, dir string) *exec.Cmd {
			return b.user.Exec("gocryptfs", "-q", "-fg", "-extpass", "echo "+peerPassword, store, dir)
		},
	},
	{
		"rclone crypt",
		func(b *bench, store, tree string) *exec.Cmd { return b.rclone(store, "copy", tree, "bench:") },
		true, // a mount of it uploads in its own time
		func(b *bench, store, dir string) *exec.Cmd {
			return b.rclone(store, "mount", "--read-only", "bench:", dir)
		},
	},
	{
		"securefs",
		func(b *bench, store, _ string) *exec.Cmd {
			return b.user.Exec("securefs", "create", "--pass", peerPassword, "-r", "1", store)
		},
		false,
		func(b *bench, store, dir string) *exec.Cmd {
			return b.user.Exec("securefs", "mount", "--pass", peerPassword, store, dir)
		},
	},
}

// rclone prepares a command of rclone on a store, whose remote it is told by its
// environment.
func (b *bench) rclone(store string, args ...string) *exec.Cmd {
	cmd := b.user.Exec("rclone", append([]string{"--log-level", "ERROR"}, args...)...)
	out, err := exec.Command("rclone", "obscure", peerPassword).Output()
	if err != nil {
		cmd.Err = err
	}
	cmd.Env = append(cmd.Env, "RCLONE_CONFIG_BENCH_TYPE=crypt", "RCLONE_CONFIG_BENCH_REMOTE="+store,
		"RCLONE_CONFIG_BENCH_PASSWORD="+strings.TrimSpace(string(out)))
	return cmd
}

// peerStand fills a peer's folder with the tree and shows it.
func (b *bench) peerStand(p peer, tree string) (*stand, error) {
	name := strings.Fields(p.name)[0]
	store, dir := filepath.Join(b.scratch, name+"-store"), filepath.Join(b.scratch, name)
	if err := errors.Join(os.Mkdir(store, 0o755), os.Mkdir(dir, 0o755)); err != nil {
		return nil, err
	}
	if r := rig.Collect(p.make(b, store, tree)); r.Code != 0 {
		return nil, fmt.Errorf("%s", r)
	}
	if p.fills {
		return b.servePeer(p, store, dir)
	}
	s, err := b.servePeer(p, store, dir)
	if err != nil {
		return nil, err
	}
	// Mounted anew afterwards, so that nothing it was filled by is in its memory.
	if _, err := b.seconds("cp", "-r", tree+"/.", dir); err != nil {
		return nil, errors.Join(err, s.end())
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	return b.servePeer(p, store, dir)
}

func (b *bench) servePeer(p peer, store, dir string) (*stand, error) {
	cmd := p.serve(b, store, dir)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	mounted := func() (bool, error) {
		list, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
		return len(list) > 0, err
	}
	end := func() error {
		unmount := exec.Command("fusermount3", "-u", dir).Run()
		if unmount != nil {
			cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		}
		cmd.Wait() // some end with a status because they were unmounted
		return rig.Until(dir+" is unmounted", func() (bool, error) {
			is, err := mounted()
			return !is, err
		})
	}
	if err := rig.Until(p.name+" is mounted", mounted); err != nil {
		return nil, errors.Join(err, end())
	}
	return &stand{p.name, dir, cmd.Process.Pid, end}, nil
}

// decrypt times age, which has no mount: it decrypts a file to nowhere.
func (b *bench) decrypt(file string) (float64, error) {
	return b.seconds("age", "-d", "-i", b.identity, "-o", os.DevNull, file)
}

// encrypted is the large file, encrypted with age.
func (b *bench) encrypted() (string, error) {
	file := filepath.Join(b.scratch, shard+".age")
	_, err := b.seconds("age", "-r", b.key, "-o", file, filepath.Join(b.model, shard))
	return file, err
}

// peerPrograms are what the peers need.
func peerPrograms() []string {
	programs := []string{"fusermount3", "age"}
	for _, p := range peers {
		programs = append(programs, strings.Fields(p.name)[0])
	}
	slices.Sort(programs)
	return programs
}
