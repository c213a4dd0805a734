// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"

	"github.com/tensorguard/tgsp/mount"
)

// private reports whether the mount is one that only a program of exec sees.
func (s *service) private() bool { return s.handed != nil && s.handed.prepared }

// endReason says why a mount has ended that this process did not end.
func (s *service) endReason() string {
	if s.handed != nil {
		return unmountedProgram
	}
	return unmountedByOthers
}

// leaveWithProgram ends a mount for a program of exec that has no namespace of its
// own, when the last program has ended, or closed what tells of it, and none uses
// the folder any more. The folder goes, too.
func (s *service) leaveWithProgram(ctx context.Context, server *mount.Server) {
	if s.handed == nil || s.handed.prepared {
		return
	}
	go func() {
		io.Copy(io.Discard, s.handed.file) //nolint:errcheck,gosec // its end is what counts
		err := server.UnmountUnused(ctx)
		if err == nil {
			err = os.Remove(s.dir)
		}
		if err != nil && ctx.Err() == nil {
			s.logger.Error("cannot take the folder of a program away that has ended", "dir", s.dir, "error", err)
		}
	}()
}
