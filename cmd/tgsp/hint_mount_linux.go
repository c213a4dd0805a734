// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/tensorguard/tgsp/mount"
)

// fuseDevice is through which the kernel hands requests to a FUSE program.
const fuseDevice = "/dev/fuse"

// fuseSettings is where root says what users may do (mount.fuse3(8)).
const fuseSettings = "/etc/fuse.conf"

const (
	containerHint = "in a container: start it with --device /dev/fuse --cap-add SYS_ADMIN; without mounts: tgsp extract PKG DIR"
	// closedDeviceHint is for systems where no udev rule has opened the device.
	closedDeviceHint = "users may not open " + fuseDevice + "; as root: chmod 0666 " + fuseDevice
	allowOtherHint   = "users may say --allow-other once root has done: echo user_allow_other >>" + fuseSettings
	namespaceHint    = "let users make user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)"
	noProgramsHint   = "install what users need for mounts: apt-get install fuse3; without mounts: tgsp extract PKG DIR"
)

func noFUSEHint() string {
	if _, err := os.Stat(fuseDevice); err != nil {
		return "the kernel offers no " + fuseDevice + ": modprobe fuse; " + containerHint
	}
	if lacksPrograms() {
		return noProgramsHint
	}
	return "use: tgsp extract PKG DIR"
}

// lacksPrograms reports whether the program is missing that mounts for users.
func lacksPrograms() bool {
	_, err := exec.LookPath("fusermount3")
	return err != nil && os.Geteuid() > 0
}

func notAllowedHint(e *mount.Error) string {
	if e.Op == "unmount" {
		return "only root and the user who mounted it can end a mount"
	}
	if f, err := os.OpenFile(fuseDevice, os.O_RDWR, 0); err == nil {
		f.Close() //nolint:errcheck,gosec // nothing was done with it
	} else if errors.Is(err, fs.ErrPermission) {
		return closedDeviceHint
	}
	switch {
	case os.Geteuid() == 0:
		return containerHint
	case lacksPrograms():
		return noProgramsHint
	}
	return fmt.Sprintf("you can mount on a folder of your own that you can write to; see: ls -ld %s", shellQuote(e.Dir))
}

// otherMountHint is for a mount that fails for a reason of its own.
const otherMountHint = containerHint
