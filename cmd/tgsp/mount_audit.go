// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"sync"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// Why a mount has ended, as the audit log says it.
const (
	unmountedProgram  = "the last program that could see it has ended"
	unmountedIdle     = "nothing has used it for as long as --idle-timeout says"
	unmountedByOthers = "by tgsp umount, or another program that unmounts"
	unmountedBySignal = "the process that served it was told to end"
	unmountedUnloaded = "what --preload asked for could not be read"
	unmountedClosed   = "it was closed, and no program uses it any more"
	unmountedBusy     = "the process that served it was told to end; files that were open give errors"
)

// serveOnRecord is serve with its events in the audit log, from the opening to
// the end of the mount.
func (s *service) serveOnRecord(ctx context.Context) error {
	s.known.Mountpoint = s.dir
	s.complain = func(err error) {
		if s.logger == nil {
			s.app.warnf("%v", err)
			return
		}
		s.logger.Error("the audit log is not whole", "error", err)
	}
	return s.audited(s.verb(), s.pkg, s.complain, func() error { return s.serve(ctx) })
}

// maxDefects is how many defects are recorded: a package that is gone must not
// fill the audit log.
const maxDefects = 1000

// readFailed returns what is told of every read of the mount that failed, or nil
// without an audit log. A defect is recorded once, whoever meets it and how often.
func (s *service) readFailed() func(file string, off int64, err error) {
	if s.trail == nil {
		return nil
	}
	trail, known := s.trail, s.known
	var mu sync.Mutex
	seen := make(map[[2]string]bool)
	return func(file string, off int64, err error) {
		defect := [2]string{file, err.Error()}
		mu.Lock()
		again := seen[defect] || len(seen) == maxDefects
		if !again {
			seen[defect] = true
		}
		mu.Unlock()
		if again {
			return
		}
		e := failureEvent(known, err)
		if e.Event == audit.Refused {
			e.Event = audit.Altered
		}
		if e.File == "" {
			e.File, e.Offset = file, &off
		}
		trail.Record(e)
	}
}

// unmounted tells of the end of the mount, and why.
func (s *service) unmounted(reason string) {
	s.logger.Info("unmounted", "dir", s.dir, "reason", reason)
	s.record(audit.Unmounted, reason)
}
