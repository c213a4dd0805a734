// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// preloadOrUnmount reads what was asked for of a mount that another process serves.
// Where that fails the mount ends again.
func (o *mountOptions) preloadOrUnmount(ctx context.Context, a *app) error {
	if len(o.preload) == 0 {
		return nil
	}
	err := a.preload(ctx, o.dir, o.preload)
	if err != nil {
		err = errors.Join(err, a.umount(context.WithoutCancel(ctx), o.dir))
	}
	return err
}

// preloadBeside does so while this process serves the mount, in another one: who
// serves a mount must not read from it. It returns where the reason comes if it
// fails.
func (s *service) preloadBeside(ctx context.Context) <-chan error {
	failed := make(chan error, 1)
	if len(s.preload) == 0 { // as in a daemon, whose parent does it
		return failed
	}
	go func() {
		var said strings.Builder
		cmd := exec.CommandContext(ctx, program(), append([]string{preloadVerb, "--quiet", "--json", "--", s.dir}, s.preload...)...)
		cmd.Stderr = &said
		err := cmd.Run()
		words := strings.TrimSpace(said.String())
		switch {
		case ctx.Err() != nil:
		case err != nil:
			failed <- errorSaid(words, err)
		default:
			s.logger.Info("preloaded", "paths", s.preload, "said", words)
		}
	}()
	return failed
}

// errorSaid is the error that a program of ours has written with --json as its last
// line, else how it ended.
func errorSaid(words string, how error) error {
	var last struct{ Error *reportedError }
	if json.Unmarshal([]byte(words[strings.LastIndexByte(words, '\n')+1:]), &last) == nil && last.Error != nil {
		return last.Error
	}
	return fmt.Errorf("%s (%w)", words, how)
}
