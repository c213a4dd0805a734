// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

// becomeProgram is what exec does in the process that becomes the program: it
// prepares the mount, hands it to its parent, and waits until the package is open.
func (o *execOptions) becomeProgram(dir string) error {
	// Rights and the namespace are a thread's, and exec passes on those of the
	// thread that calls it.
	runtime.LockOSThread()
	// Until it is the program it ends by a signal as any process does.
	signal.Reset(os.Interrupt, unix.SIGTERM)
	file := os.NewFile(uintptr(o.inside), "socket")
	conn, err := net.FileConn(file) // closed on exec, other than the file
	if err = errors.Join(err, file.Close()); err != nil {
		return usagef("--inside is for tgsp's own use: %w", err)
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return usagef("--inside is for tgsp's own use: it is no socket of ours")
	}
	if o.own {
		if err := handDevices(socket, dir, o.at); err != nil {
			return &programEnd{status: ownFailure}
		}
	}
	if n, err := socket.Read(make([]byte, 1)); n != 1 || err != nil {
		return &programEnd{status: ownFailure} // the parent has said why
	}
	if o.own && os.Geteuid() != 0 {
		if err := dropRights(); err != nil {
			return err
		}
	}
	path, err := findProgram(o.program[0])
	if err != nil {
		return err
	}
	loosenProcess()
	return programError(o.program[0], syscall.Exec(path, o.program, programEnviron()))
}

// programEnviron is the environment for the program. What was said to the process
// that tgsp was started as is said to it: see sd_listen_fds(3).
func programEnviron() []string {
	environ := os.Environ()
	for i, variable := range environ {
		if variable == fmt.Sprintf("LISTEN_PID=%d", os.Getppid()) {
			environ[i] = fmt.Sprintf("LISTEN_PID=%d", os.Getpid())
		}
	}
	return environ
}

// dropRights takes from this thread what it could do in its user namespace: a
// program gets none of it.
func dropRights() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0]) // which takes the ambient ones, too
}

// handDevices makes the mounts and sends their devices to the parent, or the reason
// why there are none.
func handDevices(socket *net.UnixConn, dir string, names []string) error {
	prepared, err := prepare(dir, names)
	if err != nil {
		data, jsonErr := json.Marshal(&spaceMessage{Error: err.Error(), NotGranted: notGranted(err)})
		_, writeErr := socket.Write(data)
		return errors.Join(err, jsonErr, writeErr)
	}
	message, fds := new(spaceMessage), make([]int, len(prepared))
	for i, p := range prepared {
		message.Mounts = append(message.Mounts, spaceDevice{p.Major, p.Minor})
		fds[i] = int(p.Device.Fd()) // descriptors are small
	}
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, _, err = socket.WriteMsgUnix(data, unix.UnixRights(fds...), nil)
	for _, p := range prepared {
		err = errors.Join(err, p.Device.Close())
	}
	return err
}

// prepare mounts at dir, or at folders of these names in it, in a file system that
// this namespace alone has and nothing outlives.
func prepare(dir string, names []string) ([]*mount.Prepared, error) {
	const flags = unix.MS_NOSUID | unix.MS_NODEV
	base := filepath.Dir(dir)
	// What is mounted here must not show outside; what comes outside may show here.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return nil, fmt.Errorf("keeping mounts to the namespace: %w", err)
	}
	if err := unix.Mount("tgsp", base, "tmpfs", flags, "mode=0755,size=64k"); err != nil {
		return nil, fmt.Errorf("mounting a tmpfs: %w", err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	places := []string{dir}
	if len(names) > 0 {
		places = nil
	}
	for _, name := range names {
		place := filepath.Join(dir, name)
		if err := os.Mkdir(place, 0o755); err != nil {
			return nil, err
		}
		places = append(places, place)
	}
	if err := unix.Mount("", base, "", unix.MS_REMOUNT|unix.MS_RDONLY|flags, "mode=0755,size=64k"); err != nil {
		return nil, fmt.Errorf("making the tmpfs read-only: %w", err)
	}
	var all []*mount.Prepared
	for _, place := range places {
		p, err := mount.Prepare(place, mount.Options{FSName: "tgsp"})
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}
