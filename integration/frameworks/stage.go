// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/tensorguard/tgsp/integration/framework"
	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// stage is a folder with models for all frameworks, and its mount.
type stage struct {
	scratch string
	kit     *framework.Kit
	user    *rig.User
	plain   string
	pkg     string
	mount   *rig.Mount
}

func newStage(ctx context.Context, dir string, size int64, say func(string, ...any)) (s *stage, err error) {
	s = new(stage)
	if s.scratch, err = os.MkdirTemp(dir, "tgsp-frameworks-"); err != nil {
		return nil, err
	}
	say("building the command and models of %d MiB", size>>20)
	if err := s.setUp(ctx, size); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) setUp(ctx context.Context, size int64) (err error) {
	if s.kit, err = framework.NewKit(s.scratch); err != nil {
		return err
	}
	if err := s.kit.AddNode(); err != nil {
		return err
	}
	bin, err := rig.Build(ctx, s.scratch)
	if err != nil {
		return err
	}
	if s.user, err = rig.NewUser(bin, filepath.Join(s.scratch, "user"), nil); err != nil {
		return err
	}
	s.plain, s.pkg = filepath.Join(s.scratch, "model"), filepath.Join(s.scratch, "model.tgsp")
	if _, err := model.Generate(s.plain, model.Options{Seed: 1, Size: size, Shards: 1}); err != nil {
		return err
	}
	if _, err := model.ONNX(s.plain, 1, size); err != nil {
		return err
	}
	if _, err := model.Llama(s.plain, 1, size); err != nil {
		return err
	}
	save := s.kit.SaveArgs(s.plain)
	if r := rig.Collect(s.user.Exec(save[0], save[1:]...)); r.Code != 0 {
		return fmt.Errorf("%s: apt-get install python3-torch python3-numpy", r)
	}
	if r := s.user.Run("pack", s.plain, "-o", s.pkg, "-q"); r.Code != 0 {
		return fmt.Errorf("%s", r)
	}
	dir, err := s.user.Mkdir("mnt")
	if err != nil {
		return err
	}
	s.mount, err = s.user.Mount(s.pkg, dir)
	return err
}

// alone prepares a program that tgsp exec runs.
func (s *stage) alone(name string, args ...string) *exec.Cmd {
	return s.user.Command(append([]string{"exec", s.pkg, "--", name}, args...)...)
}

// close unmounts the model and removes everything that the run has written.
func (s *stage) close() error {
	var err error
	if s.mount != nil {
		err = s.mount.Unmount()
		s.mount.Kill()
	}
	return errors.Join(err, os.RemoveAll(s.scratch))
}
