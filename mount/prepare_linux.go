// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Prepared is a mount that nobody serves yet. One process makes it, in a mount
// namespace that few can see, and another serves it from outside: so the mount
// ends by itself with the last process of the namespace. Programs that enter it
// before it is served wait.
type Prepared struct {
	Dir          string   // the mountpoint, as those see it who are in the namespace
	Device       *os.File // through which the kernel sends its requests
	Major, Minor int      // device number of the mount
}

// Prepare mounts at dir, for others than its caller too. The caller needs
// CAP_SYS_ADMIN in its user namespace; where that is not the system's first one,
// the kernel lets nobody in from outside of it, whatever his rights to the folder
// (Documentation/filesystems/fuse.rst, allow_other). Failures are *Error.
func Prepare(dir string, opts Options) (*Prepared, error) {
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return nil, explain(dir, err)
	}
	words := []string{
		"fd=" + strconv.Itoa(int(device.Fd())), // descriptors are small
		"rootmode=" + strconv.FormatInt(unix.S_IFDIR, 8),
		"user_id=" + strconv.Itoa(os.Geteuid()),
		"group_id=" + strconv.Itoa(os.Getegid()),
		"max_read=" + strconv.Itoa(maxRequest),
		"default_permissions", "allow_other",
	}
	flags := uintptr(unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV)
	if opts.NoExec {
		flags |= unix.MS_NOEXEC
	}
	if err := unix.Mount(opts.FSName, dir, "fuse."+fsName, flags, strings.Join(words, ",")); err != nil {
		return nil, explain(dir, errors.Join(err, device.Close()))
	}
	p := &Prepared{Dir: dir, Device: device}
	if p.Major, p.Minor, err = deviceNumber(dir); err != nil {
		return nil, explain(dir, errors.Join(err, device.Close()))
	}
	return p, nil
}

// Serve shows fsys in a mount that was prepared, and takes its device over: the
// kernel answers every program with an error from when this process has ended.
// Of opts those count that are not the kernel's. Failures are *Error.
//
// Unmounting is out of reach of the process that serves. Server.Unmount leaves the
// mount to the end of this process and of its namespace, and says that it is lazy;
// Server.Detach does nothing.
func (p *Prepared) Serve(fsys iofs.FS, opts Options) (*Server, error) {
	// The library closes the descriptor that it is given.
	fd, err := unix.FcntlInt(p.Device.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err = errors.Join(err, p.Device.Close()); err != nil {
		return nil, &Error{"mount", p.Dir, Other, err}
	}
	s, err := attach(p.Dir, fmt.Sprintf("/dev/fd/%d", fd), fsys, opts)
	if err != nil {
		return nil, err
	}
	s.major, s.minor, s.prepared = p.Major, p.Minor, true
	s.setReadAhead()
	return s, nil
}
