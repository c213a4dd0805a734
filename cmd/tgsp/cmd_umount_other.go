// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"
	"errors"

	"github.com/tensorguard/tgsp/mount"
)

const umountHelp = `umount tells the process that serves the drive or folder DIR to end, and waits
until it has. Programs that have files open there get errors from then on.

With --revoke it first refuses everything and takes back what the system keeps of
files that are open. Copies that programs have made stay, and so does what they
have mapped, until they end.`

// mountpoints lists all mounts, for completion.
func mountpoints() []string {
	states, err := mountStates()
	if err != nil {
		return nil
	}
	var dirs []string
	for _, s := range states {
		dirs = append(dirs, s.Mountpoint)
	}
	return dirs
}

// umount ends the mount at a place.
func (a *app) umount(ctx context.Context, arg string) error {
	s, err := servedAt(arg)
	if err != nil {
		return err
	}
	if err := s.askToEnd(); err != nil {
		return err
	}
	return errors.Join(a.awaitEnd(ctx, s, false), cleanStates())
}

// revoke closes the mount at a place.
func (a *app) revoke(ctx context.Context, arg string) error {
	s, err := servedAt(arg)
	if err != nil {
		return err
	}
	if err := s.askToClose(); err != nil {
		return err
	}
	if err := a.awaitClosed(ctx, s); err != nil {
		return err
	}
	a.notef("%s is closed: nothing can be read through it any more; what programs have copied or mapped stays with them\n", printable(s.Mountpoint))
	return cleanStates()
}

// servedAt returns the state of the process that serves what is mounted at a place.
func servedAt(arg string) (*mountState, error) {
	dir, err := mount.Resolve(arg)
	if err != nil {
		return nil, err
	}
	states, err := mountStates()
	if err != nil {
		return nil, err
	}
	s := latestState(states, dir)
	if s == nil || !s.alive() {
		return nil, &mount.Error{Op: "unmount", Dir: arg, Reason: mount.NotMounted, Err: errors.New("you have mounted no package there")}
	}
	return s, nil
}
