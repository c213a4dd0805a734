// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/framework"
	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

const (
	python = framework.Python
	shard  = "model-00001-of-00001.safetensors"
)

// bench is one run: a model, what was made of it, and where.
type bench struct {
	options
	ctx      context.Context
	messages io.Writer
	scratch  string
	kit      *framework.Kit
	user     *rig.User
	model    string // folder with one shard of the whole size
	contents int64  // bytes in the model's files
	torch    string // folder with the same weights as torch.save writes them
	key      string // age recipient
	identity string // file of its identity
	self     string // this program, where any user may execute it
	packRSS  int64  // the most memory that pack took
}

func newBench(ctx context.Context, o options, messages io.Writer) (b *bench, err error) {
	if err := requirements(); err != nil {
		return nil, err
	}
	b = &bench{options: o, ctx: ctx, messages: messages}
	if b.scratch, err = os.MkdirTemp(o.dir, "tgsp-bench-"); err != nil {
		return nil, err
	}
	// Another user passes through.
	if err := errors.Join(os.Chmod(b.scratch, 0o755), b.setUp()); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// setUp builds the command, makes keys and generates the model.
func (b *bench) setUp() error {
	b.say("building the command and a model of %d MiB", b.size>>20)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	b.self = filepath.Join(b.scratch, "workload")
	if err := errors.Join(rig.CopyFile(self, b.self), os.Chmod(b.self, 0o755)); err != nil {
		return err
	}
	bin, err := rig.Build(b.ctx, b.scratch)
	if err != nil {
		return err
	}
	if b.user, err = rig.NewUser(bin, filepath.Join(b.scratch, "user"), nil); err != nil {
		return err
	}
	if b.kit, err = framework.NewKit(b.scratch); err != nil {
		return err
	}
	b.model, b.torch = filepath.Join(b.scratch, "model"), filepath.Join(b.scratch, "torch")
	sum, err := model.Generate(b.model, model.Options{Seed: 1, Size: b.size, Shards: 1})
	if err != nil {
		return err
	}
	b.contents = sum.Bytes
	save := b.kit.SaveArgs(b.model)
	if _, err := b.seconds(save[0], save[1:]...); err != nil {
		return err
	}
	if err := os.Mkdir(b.torch, 0o755); err != nil {
		return err
	}
	const pickle = "pytorch_model.bin"
	if err := os.Rename(filepath.Join(b.model, pickle), filepath.Join(b.torch, pickle)); err != nil {
		return err
	}
	r := rig.Collect(b.user.Exec("age-keygen"))
	b.identity = filepath.Join(b.scratch, "age.key")
	if err := os.WriteFile(b.identity, []byte(r.Stdout), 0o600); err != nil {
		return err
	}
	for line := range strings.Lines(r.Stdout) {
		if key, ok := strings.CutPrefix(line, "# public key: "); ok {
			b.key = strings.TrimSpace(key)
		}
	}
	if b.key == "" {
		return fmt.Errorf("age-keygen printed no public key: exit %d: %s", r.Code, r.Stderr)
	}
	return nil
}

// requirements names everything that is missing, and the packages that have it.
func requirements() error {
	var errs []error
	if m := rig.Missing(append(peerPrograms(), "go", "cat", "cp", "tar", "age-keygen")...); len(m) > 0 {
		errs = append(errs, fmt.Errorf("missing %s: apt-get install coreutils tar age fuse3 gocryptfs rclone securefs", strings.Join(m, ", ")))
	}
	if err := exec.Command(python, "-c", "import numpy, torch").Run(); err != nil {
		errs = append(errs, fmt.Errorf("%s cannot import torch and numpy: apt-get install python3-torch python3-numpy", python))
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		errs = append(errs, fmt.Errorf("no FUSE in this kernel or container: %w", err))
	}
	return errors.Join(errs...)
}

// say tells the person who waits what is going on.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.messages, "bench: "+format+"\n", args...)
}

// rules are those of all contests.
func (b *bench) rules() contest.Rules {
	return contest.Rules{Context: b.ctx, Rounds: b.pairs, Say: b.say}
}

// seconds runs a program to its end and gives the time it took.
func (b *bench) seconds(name string, args ...string) (float64, error) {
	r := rig.Collect(b.user.Exec(name, args...))
	if r.Code != 0 {
		return 0, fmt.Errorf("%s", r)
	}
	return r.Wall.Seconds(), nil
}

// close removes everything that the run has written.
func (b *bench) close() error { return os.RemoveAll(b.scratch) }
