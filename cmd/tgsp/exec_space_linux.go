// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// placeholder stands for the folder in arguments, as with find and xargs.
	placeholder = "{}"
	// modelVariable holds the folder in the program's environment.
	modelVariable = "TGSP_MODEL"
)

// space is a place for the program of exec to run in: a process of ours that
// waits to become it, in namespaces of its own where the system grants them.
type space struct {
	dir    string // the folder, as the program sees it
	cmd    *exec.Cmd
	socket *net.UnixConn
	handed *handed
	shared bool // without namespaces
}

// spaceMessage is what that process says of itself. The device of the mount that
// it has made comes with it.
type spaceMessage struct {
	Error        string `json:"error,omitempty"`
	Major, Minor int
}

// newSpace makes a space of its own, or else says why not and takes a folder that
// nobody but this user may enter.
func (o *execOptions) newSpace(a *app) (*space, error) {
	base, err := makeHome(execFolder)
	if err == nil {
		base, err = filepath.EvalSymlinks(base)
	}
	if err != nil {
		return nil, err
	}
	name := strconv.Itoa(os.Getpid())
	space, err := o.ownSpace(filepath.Join(base, name))
	if err == nil {
		return space, nil
	}
	shared, sharedErr := o.sharedSpace(filepath.Join(base, "shared-"+name))
	if sharedErr != nil {
		return nil, errors.Join(err, sharedErr)
	}
	a.warnf("this system grants no namespaces (%s): until the program ends, all programs of yours can read the model at %s", escaped(err.Error()), printable(shared.dir))
	return shared, nil
}

// ownSpace makes a space in a mount namespace; a user needs a user namespace for
// that.
func (o *execOptions) ownSpace(dir string) (*space, error) {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN} // in the new namespace alone
	}
	s, err := o.startSpace(dir, attr, nil)
	if err != nil {
		return nil, err
	}
	message, device, err := s.receive()
	if err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	s.handed = &handed{file: device, prepared: true, major: message.Major, minor: message.Minor}
	return s, nil
}

// sharedSpace makes a space that sees what this process sees. Its folder is
// mounted by whoever serves it, who also removes it.
func (o *execOptions) sharedSpace(dir string) (*space, error) {
	// One of the same number was killed, and so was what should have removed it.
	err := ignoreMissing(os.Remove(dir))
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	ends, held, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, os.Remove(dir))
	}
	defer held.Close() //nolint:errcheck // the programs have their own
	s, err := o.startSpace(dir, new(syscall.SysProcAttr), held)
	if err != nil {
		return nil, errors.Join(err, ends.Close(), os.Remove(dir))
	}
	s.handed, s.shared = &handed{file: ends}, true
	return s, nil
}

// startSpace starts the process that becomes the program. It and what it starts
// keep the file held open, if there is one.
func (o *execOptions) startSpace(dir string, attr *syscall.SysProcAttr, held *os.File) (*space, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("a pair of sockets: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "socket"), os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()            //nolint:errcheck // the process has its own
	conn, err := net.FileConn(ours) // which has its own, too
	if err = errors.Join(err, ours.Close()); err != nil {
		return nil, err
	}
	s := &space{dir: dir, socket: conn.(*net.UnixConn)}

	args := []string{"exec", "--inside=" + strconv.Itoa(pair[1])}
	if attr.Cloneflags != 0 {
		args = append(args, "--own")
	}
	if o.json {
		args = append(args, "--json")
	}
	s.cmd = exec.Command(program(), append(args, dir, "--")...)
	s.cmd.Args[0] = programName()
	for _, arg := range o.program {
		s.cmd.Args = append(s.cmd.Args, strings.ReplaceAll(arg, placeholder, dir))
	}
	s.cmd.Env = append(os.Environ(), modelVariable+"="+dir)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	s.cmd.SysProcAttr = attr
	// Numbers from 3 on may be ones on which the program was promised something
	// (LISTEN_FDS): the socket keeps its own, and what this process was started
	// with is passed on as it is.
	for _, file := range []*os.File{theirs, held} {
		if file == nil {
			continue
		}
		if _, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, 0); err != nil {
			return nil, errors.Join(err, s.socket.Close())
		}
	}
	loosenProcess() // keys are read by another process; a program wants its own limits
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(err, s.socket.Close())
	}
	return s, nil
}

// receive returns what the process says, and the device of the mount that it has
// made.
func (s *space) receive() (*spaceMessage, *os.File, error) {
	data, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := s.socket.ReadMsgUnix(data, rights)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, nil, err
	}
	message := new(spaceMessage)
	if err := json.Unmarshal(data[:n], message); err != nil {
		return nil, nil, err
	}
	if message.Error != "" {
		return nil, nil, errors.New(message.Error)
	}
	controls, err := unix.ParseSocketControlMessage(rights[:oobn])
	if err != nil || len(controls) != 1 {
		return nil, nil, errors.Join(errors.New("no device came with the message"), err)
	}
	fds, err := unix.ParseUnixRights(&controls[0])
	if err != nil || len(fds) != 1 {
		return nil, nil, errors.Join(errors.New("no device came with the message"), err)
	}
	return message, os.NewFile(uintptr(fds[0]), fuseDevice), nil
}

// abandon ends a space in which no program runs yet.
func (s *space) abandon() error {
	err := s.socket.Close()
	s.cmd.Wait() //nolint:errcheck,gosec // it ends because nothing is left to wait for
	if s.shared {
		err = errors.Join(err, ignoreMissing(os.Remove(s.dir)))
	}
	return err
}
