// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	iofs "io/fs"
	"time"

	"github.com/tensorguard/tgsp/mount"
)

// private reports whether the mount is one that only a program of exec sees.
func (s *service) private() bool { return s.handed != nil && s.handed.prepared }

// describeProgram says in the state for whom the mount is.
func (s *service) describeProgram() {
	s.state.Private, s.state.Folder = s.private(), s.folder
}

// verb is the one that the mount was asked for by.
func (s *service) verb() string {
	if s.handed != nil {
		return execVerb
	}
	return "mount"
}

// attach shows the contents, in a mount that was prepared where there is one.
func (s *service) attach(contents iofs.FS, opts mount.Options) (*mount.Server, error) {
	if s.private() {
		return s.handed.mount(s.dir).Serve(contents, opts)
	}
	return mount.Mount(s.dir, contents, opts)
}

// outlast lets a mount for a program go on when this process is told to end: the
// signal that ends a group of processes is for the program, which may still read. The
// mount ends after it.
func (s *service) outlast(ctx, serving context.Context) (context.Context, context.Context) {
	if s.handed == nil {
		return ctx, serving
	}
	return context.WithoutCancel(ctx), context.WithoutCancel(ctx)
}

// endReason says why a mount has ended that this process did not end.
func (s *service) endReason(server *mount.Server) string {
	if s.private() || s.left.Load() {
		return unmountedProgram
	}
	if server.EndedIdle() {
		return unmountedIdle
	}
	return unmountedByOthers
}

// dropFolder removes the folder that was made for a program: whatever has ended its
// mount, nobody sees it any more.
func (s *service) dropFolder() {
	if s.handed == nil {
		return
	}
	if err := s.state.dropFolder(); err != nil {
		s.logger.Warn("cannot remove the folder that was made for a program", "error", err)
	}
}

// leaveWithProgram ends a mount for a program of exec that has no namespace of its
// own, when the program has ended, and the last that it has started, or closed what
// tells of it, and none uses the folder any more.
func (s *service) leaveWithProgram(ctx context.Context, server *mount.Server) {
	if s.handed == nil || s.handed.prepared {
		return
	}
	go func() {
		io.Copy(io.Discard, s.handed.file) //nolint:errcheck,gosec // its end is what counts
		// A program that closes what it does not know, as daemons do, still runs.
		for start, err := processStart(s.handed.program); err == nil; {
			time.Sleep(programNap)
			if now, gone := processStart(s.handed.program); gone != nil || now != start {
				break
			}
		}
		s.left.Store(true)
		if err := server.UnmountUnused(ctx); err != nil && ctx.Err() == nil {
			s.logger.Error("cannot take the folder of a program away that has ended", "dir", s.dir, "error", err)
		}
	}()
}

// programNap is how often a program is looked for that tells nothing of its end.
const programNap = 50 * time.Millisecond
