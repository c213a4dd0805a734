// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/moby/sys/mountinfo"

	"github.com/tensorguard/tgsp/mount"
)

const umountHelp = `umount takes the package away from the folder DIR and waits until the process
that served it has ended.

Where programs still use the folder, umount tries for a moment and then detaches
it: nobody can enter it any more, and the process ends when the last file that
is open is closed. umount says so, and names the programs that it can see.

With --revoke programs lose what they have open, too: reading fails within a
second (EACCES, or SIGBUS through a mapping), cached pages and keys go, and the
folder is unmounted, whoever uses it. Copies that programs have made stay.

It also cleans up after a process that was killed.`

// mountpoints lists all mounts, for completion.
func mountpoints() []string {
	table, err := mount.List()
	if err != nil {
		return nil
	}
	var dirs []string
	for _, info := range table {
		dirs = append(dirs, info.Dir)
	}
	return dirs
}

func (a *app) umount(ctx context.Context, arg string) error {
	dir, err := mount.Resolve(arg)
	if err != nil {
		return err
	}
	states, err := mountStates()
	if err != nil {
		return err
	}
	if s := latestState(states, dir); s != nil && s.Private && s.alive() {
		err := &mount.Error{Op: "unmount", Dir: dir, Reason: mount.Busy, Err: errors.New("it is the folder of a tgsp exec, and ends with the last of its programs")}
		return withHint(err, "take it away from them with: tgsp umount --revoke %s", shellQuote(dir))
	}
	users := usersOf(dir) // afterwards nothing tells them from others
	lazy, err := mount.Unmount(dir)
	if err != nil {
		return explainUmount(err, arg, dir)
	}
	if lazy {
		a.warnBusy(dir, users)
	}
	if s := latestState(states, dir); s != nil {
		err = a.awaitEnd(ctx, s, lazy)
	}
	return errors.Join(err, cleanStates())
}

// warnBusy says that a folder was detached while it was in use, and by whom.
func (a *app) warnBusy(dir string, users []string) {
	by := "programs use it"
	if len(users) > 0 {
		by = "in use by " + strings.Join(users, ", ")
	}
	a.warnf("%s was busy, %s: it is detached, and files that are open stay readable until they are closed", printable(dir), by)
}

// explainUmount says what is there, where it is no mount of ours, and which
// mount may be meant.
func explainUmount(err error, arg, dir string) error {
	e := new(mount.Error)
	if !errors.As(err, &e) || e.Reason != mount.NotMounted {
		return err
	}
	found := &mount.Error{Op: e.Op, Dir: arg, Reason: e.Reason, Err: errors.New(whatIsAt(dir))}
	table, listErr := mount.List()
	if listErr != nil {
		return found
	}
	for _, info := range table {
		if info.Source == dir {
			return withHint(found, "that package is mounted at another place: tgsp umount %s", shellQuote(info.Dir))
		}
	}
	if len(table) == 0 {
		return withHint(found, "no package is mounted on this machine")
	}
	return found
}

// whatIsAt describes a place where no package is mounted.
func whatIsAt(dir string) string {
	const not = "no package is mounted there: "
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return not + "there is no such folder"
	case err != nil:
		return not + errors.Unwrap(err).Error()
	case !info.IsDir():
		return not + "it is a file"
	}
	mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(dir))
	if err == nil && len(mounts) > 0 {
		m := mounts[len(mounts)-1]
		return not + "it is a mount of " + printable(m.Source) + ", type " + printable(m.FSType)
	}
	return not + "it is an ordinary folder"
}
