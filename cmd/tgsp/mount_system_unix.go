// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// revokeSignal asks the process that serves a mount to close it. The usual signals
// ask it to unmount.
const revokeSignal = unix.SIGUSR1

// obey closes the mount when umount --revoke sends its signal, which would end a
// process that does not listen.
func (s *service) obey(context.CancelFunc) error {
	c, asked := s.closing, make(chan os.Signal, 1)
	signal.Notify(asked, revokeSignal)
	go func() {
		select {
		case <-asked:
			c.close(closure{audit.Revoked, onRequest})
		case <-c.done:
		}
	}()
	return nil
}

// openLogFile opens a log at its end, and follows no link to another file.
func openLogFile(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NOFOLLOW, 0o600)
}
