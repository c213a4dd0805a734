// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"

	"github.com/tensorguard/tgsp/mount"
)

// mountHint returns the next step where a mount, or its end, failed.
func mountHint(e *mount.Error) string {
	dir := shellQuote(e.Dir)
	switch e.Reason {
	case mount.NotFound:
		if onWindows { // the mountpoint itself need not exist there
			return "make the folder that is to hold it first: " + mkdirCommand(filepath.Dir(e.Dir))
		}
		return "make it first: " + mkdirCommand(e.Dir)
	case mount.NotDirectory:
		if onWindows {
			return "name a drive letter, or a folder that is empty or does not exist yet"
		}
		return "name a folder; an empty one is made with " + mkdirCommand("DIR")
	case mount.NotEmpty:
		return "what is in it would be hidden: mount on an empty folder"
	case mount.AlreadyMounted:
		return "use what is there (tgsp status), or end it first: tgsp umount " + dir
	case mount.Inside:
		return "mount on a folder outside of it"
	case mount.HoldsSource:
		return "mount on a folder that does not hold the package"
	case mount.NoFUSE:
		return noFUSEHint()
	case mount.NotAllowed:
		return notAllowedHint(e)
	case mount.Busy:
		return "another program uses the folder: try again when it has finished"
	case mount.NotMounted:
		return "tgsp status lists what is mounted"
	case mount.Other:
		if e.Op == "mount" {
			return otherMountHint
		}
	}
	return ""
}
