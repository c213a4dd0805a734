// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// machineChecks lists what mounts and programs of exec take, in the order in which
// one builds on the other.
func machineChecks() []func() *doctorCheck {
	return []func() *doctorCheck{
		checkKernel, checkFUSE, checkHelper, checkAllowOther, checkNamespaces, checkAppArmor,
		checkReadAhead, checkMemoryLock, checkDisk,
	}
}

func checkFUSE() *doctorCheck {
	c := &doctorCheck{Name: "fuse", OK: true, Found: "packages can be mounted: " + fuseDevice + " opens"}
	f, err := os.OpenFile(fuseDevice, os.O_RDWR, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.failed(withHint(err, "%s", noFUSEHint()))
	case errors.Is(err, fs.ErrPermission):
		return c.failed(withHint(err, "%s", closedDeviceHint))
	case err != nil:
		return c.failed(withHint(err, "%s", containerHint))
	}
	f.Close() //nolint:errcheck,gosec // nothing was done with it
	return c
}

// checkHelper looks at the program by which users mount.
func checkHelper() *doctorCheck {
	c := &doctorCheck{Name: "helper", OK: true}
	path, err := exec.LookPath("fusermount3")
	if err != nil {
		if os.Geteuid() != 0 {
			return c.failed(withHint(errors.New("fusermount3 is missing, by which users mount"), "%s", noProgramsHint))
		}
		c.Found, c.Next = "fusermount3 is missing: root mounts without it, users do not", noProgramsHint
		return c
	}
	info, err := os.Stat(path)
	if err != nil {
		return c.failed(err)
	}
	c.Found, c.Values = path+" mounts for users", map[string]string{"path": path}
	if info.Mode()&fs.ModeSetuid == 0 {
		return c.failed(withHint(fmt.Errorf("%s has not the rights of root that mounting for users takes", path), "as root: chmod u+s %s", shellQuote(path)))
	}
	return c
}

func checkAllowOther() *doctorCheck {
	c := &doctorCheck{Name: "sharing", OK: true, Found: "users may say --allow-other"}
	f, err := os.Open(fuseSettings)
	if err == nil {
		defer f.Close() //nolint:errcheck // only read
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if strings.TrimSpace(lines.Text()) == "user_allow_other" {
				return c
			}
		}
	}
	c.Found, c.Next = "users' mounts are for themselves alone: only root may say --allow-other", allowOtherHint
	return c
}

// restrictedNamespaces is the setting by which AppArmor lets users make namespaces and
// then do nothing in them, as on Ubuntu since 24.04.
const restrictedNamespaces = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"

// checkNamespaces tries what exec does, as far as a process in a namespace of its own.
func checkNamespaces() *doctorCheck {
	c := &doctorCheck{Name: "exec", OK: true, Found: "programs of tgsp exec get a folder that they alone see"}
	// No program is there to run. That this is what is missing says that the rest is not.
	probe := &exec.Cmd{Path: "/proc/0/exe", SysProcAttr: ownNamespace()}
	loosenProcess() // see there; no key was read yet
	err := probe.Run()
	hardenProcess()
	if !errors.Is(err, fs.ErrNotExist) {
		if path := new(fs.PathError); errors.As(err, &path) {
			err = path.Err
		}
		return c.failed(withHint(fmt.Errorf("no namespace for a program alone: %w", err), "%s", namespaceHint))
	}
	if set, _ := os.ReadFile(restrictedNamespaces); os.Geteuid() != 0 && strings.HasPrefix(string(set), "1") { // none where there is no such setting
		return c.failed(withHint(errors.New("no namespace for a program alone: AppArmor restricts users'"), "%s", namespaceHint))
	}
	return c
}

// checkAppArmor looks for what confines the helper, as on Ubuntu since 24.04.
func checkAppArmor() *doctorCheck {
	c := &doctorCheck{Name: "apparmor", OK: true, Found: "it is not in use"}
	if on, _ := os.ReadFile("/sys/module/apparmor/parameters/enabled"); !strings.HasPrefix(string(on), "Y") { // none where there is no AppArmor
		return c
	}
	c.Found = "it is in use"
	if _, err := os.Stat("/etc/apparmor.d/fusermount3"); err == nil {
		c.Found += ", and confines fusermount3"
		c.Next = "users mount below their home, /mnt, /media, /tmp or $XDG_RUNTIME_DIR; see /etc/apparmor.d/fusermount3"
	}
	return c
}

// oldestKernel is the first long-term release that is supported.
var oldestKernel = [2]int{5, 10}

func checkKernel() *doctorCheck {
	c := &doctorCheck{Name: "kernel", OK: true}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return c.failed(err)
	}
	release := unix.ByteSliceToString(name.Release[:])
	c.Found = fmt.Sprintf("Linux %s, pages of %s", release, byteCount(int64(os.Getpagesize())))
	c.Values = map[string]string{"release": release, "page_size": fmt.Sprint(os.Getpagesize())}
	var version [2]int
	if _, err := fmt.Sscanf(release, "%d.%d", &version[0], &version[1]); err != nil {
		return c.failed(fmt.Errorf("a kernel of an unknown version: %s", release))
	}
	if version[0] < oldestKernel[0] || version[0] == oldestKernel[0] && version[1] < oldestKernel[1] {
		return c.failed(withHint(fmt.Errorf("the kernel, %s, is older than %d.%d, the oldest that is tested", release, oldestKernel[0], oldestKernel[1]), "without mounts: tgsp extract PKG DIR"))
	}
	return c
}
