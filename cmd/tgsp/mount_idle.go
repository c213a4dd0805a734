// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/tensorguard/tgsp/mount"
)

// parseIdle reads --idle-timeout.
func parseIdle(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, usagef("--idle-timeout %q: want a duration, such as 90s or 30m", s)
	}
	return d, nil
}

// leaveWhenIdle ends a mount that nothing has used for as long as was wished.
func (s *service) leaveWhenIdle(ctx context.Context, server *mount.Server) {
	if s.idleAfter == 0 {
		return
	}
	go func() {
		if err := server.UnmountIdle(ctx, s.idleAfter); err != nil && ctx.Err() == nil {
			s.logger.Warn("nothing uses the folder, and it cannot be unmounted", "error", err)
		}
	}()
}
