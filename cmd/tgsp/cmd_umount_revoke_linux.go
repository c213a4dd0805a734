// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

// revoke closes the mount at a place, and those that were detached from it while
// files were open.
func (a *app) revoke(ctx context.Context, arg string) error {
	dir, err := mount.Resolve(arg)
	if err != nil {
		return err
	}
	serving, known, err := servingStates(ctx, dir)
	if err != nil {
		return err
	}
	if len(serving) == 0 {
		return a.revokeUnserved(ctx, arg, dir, known)
	}
	for _, s := range serving {
		if err := s.signal(revokeSignal); err != nil {
			return err
		}
	}
	for _, s := range serving {
		if err := a.awaitClosed(ctx, s); err != nil {
			return err
		}
	}
	if err := stillMounted(serving[len(serving)-1], dir); err != nil {
		return err
	}
	a.notef("%s is closed: nothing can be read through it any more; copies that programs have made stay with them\n", printable(dir))
	return cleanStates()
}

// servingStates returns the states of the processes that serve what was mounted at
// a place, and whether any is known, dead ones too. A mount stands in the table a
// moment before its process has written its state.
func servingStates(ctx context.Context, dir string) (serving []*mountState, known bool, err error) {
	for deadline := time.Now().Add(time.Second); ; {
		states, err := mountStates()
		if err != nil {
			return nil, false, err
		}
		for _, s := range states {
			known = known || s.Mountpoint == dir
			if s.Mountpoint == dir && s.alive() {
				serving = append(serving, s)
			}
		}
		table, err := mountTable()
		if _, mounted := table[dir]; err != nil || known || !mounted || time.Now().After(deadline) {
			return serving, known, err
		}
		select {
		case <-ctx.Done():
			return nil, false, errInterrupted
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// revokeUnserved is revoke where this user knows of no process that serves the
// mount.
func (a *app) revokeUnserved(ctx context.Context, arg, dir string, known bool) error {
	table, err := mountTable()
	if err != nil {
		return err
	}
	switch _, mounted := table[dir]; {
	case !mounted:
		return explainUmount(&mount.Error{Op: "unmount", Dir: dir, Reason: mount.NotMounted}, arg, dir)
	case known, disconnected(dir):
		a.warnf("the process that served %s was killed: pages that programs have mapped stay readable to them until they end", printable(dir))
		return a.umount(ctx, arg)
	}
	err = &mount.Error{Op: "revoke", Dir: dir, Reason: mount.NotAllowed, Err: errors.New("it is served by a process of another user or another TGSP_HOME")}
	return withHint(err, "run it as the user who has mounted it; as root: TGSP_HOME=FOLDER tgsp umount --revoke %s, with the folder that the user has", shellQuote(dir))
}

// signal sends a signal to the process that wrote the state, and to no other that
// has come to its number since.
func (s *mountState) signal(signal unix.Signal) error {
	pidfd, err := unix.PidfdOpen(s.PID, 0)
	if err == nil {
		defer unix.Close(pidfd) //nolint:errcheck // nothing was written
	}
	if !s.alive() {
		return nil // it needs no signal any more
	}
	if err == nil {
		err = unix.PidfdSendSignal(pidfd, signal, nil, 0)
	} else { // Linux before 5.3
		err = unix.Kill(s.PID, signal)
	}
	switch {
	case err == nil, errors.Is(err, unix.ESRCH):
		return nil
	case errors.Is(err, unix.EPERM):
		return &mount.Error{Op: "revoke", Dir: s.Mountpoint, Reason: mount.NotAllowed, Err: fmt.Errorf("process %d, which serves it, is another user's", s.PID)}
	}
	return fmt.Errorf("process %d, which serves %s: %w", s.PID, s.Mountpoint, err)
}

// stillMounted is the error for a process that closed its mount and could not
// unmount it.
func stillMounted(s *mountState, dir string) error {
	table, err := mountTable()
	if _, mounted := table[dir]; err != nil || !mounted || !s.alive() {
		return err
	}
	return withHint(fmt.Errorf("%s is closed, and process %d could not unmount it; its log: %s", dir, s.PID, s.Log), "unmount it with: tgsp umount %s", shellQuote(dir))
}
