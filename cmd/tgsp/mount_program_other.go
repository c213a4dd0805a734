// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	iofs "io/fs"

	"github.com/tensorguard/tgsp/mount"
)

// Only Linux has mounts for a program alone, daemons that tell their parent, and
// preloading: what a mount does about them is nothing here.

func (s *service) describeProgram() {}

func (s *service) verb() string { return "mount" }

func (s *service) attach(contents iofs.FS, opts mount.Options) (*mount.Server, error) {
	return mount.Mount(s.dir, contents, opts)
}

func (s *service) outlast(ctx, serving context.Context) (context.Context, context.Context) {
	return ctx, serving
}

func (s *service) endReason(server *mount.Server) string {
	if server.EndedIdle() {
		return unmountedIdle
	}
	return unmountedElsewhere
}

func (s *service) dropFolder() {}

func (s *service) leaveWithProgram(context.Context, *mount.Server) {}

func (s *service) preloadBeside(context.Context) <-chan error { return nil }

func (s *service) detach() error { return nil }

func (s *service) sendWaiting(string) error { return nil }

func (s *service) orphaned() bool { return false }

func (s *mountState) dropFolder() error { return nil }
