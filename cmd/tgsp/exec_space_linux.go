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

	"github.com/tensorguard/tgsp/mount"
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
	dir    string // of the model, as the program sees it
	folder string // the same, or what hides it; it goes with the program
	cmd    *exec.Cmd
	socket *net.UnixConn
	handed []*handed // one for each package
}

// spaceMessage is what that process says of itself. The devices of the mounts that it
// has made come with it.
type spaceMessage struct {
	Error      string        `json:"error,omitempty"`
	NotGranted bool          `json:"not_granted,omitempty"` // the error is that the system forbids it
	Mounts     []spaceDevice `json:"mounts,omitempty"`
}

// spaceDevice is the device number of one of its mounts.
type spaceDevice struct{ Major, Minor int }

// runtimeFolder is where root's programs find their folders, so that they do when
// they have given up being root.
const runtimeFolder = "/run/tgsp"

// newFolder makes an empty folder for one program, which only its user can enter
// where none hides what is in it.
func newFolder(own bool) (string, error) {
	base := runtimeFolder
	if !own || os.Geteuid() != 0 || os.MkdirAll(base, 0o755) != nil {
		var err error
		if base, err = makeHome(execFolder); err == nil {
			base, err = filepath.EvalSymlinks(base)
		}
		if err != nil {
			return "", err
		}
	}
	dir, err := os.MkdirTemp(base, "")
	if err != nil && own {
		return newFolder(false)
	}
	return dir, err
}

// newSpace makes a space of its own, or, where the system grants none, says so and
// takes a folder that nobody but this user may enter.
func (o *execOptions) newSpace(a *app) (*space, error) {
	dir, err := newFolder(true)
	if err != nil {
		return nil, err
	}
	space, err := o.ownSpace(dir)
	if err == nil {
		return space, nil
	}
	err = errors.Join(err, ignoreMissing(os.Remove(dir)))
	if !errors.As(err, new(*noSpaceError)) {
		return nil, err
	}
	if o.private {
		err := &mount.Error{Op: "mount", Dir: dir, Reason: mount.NotAllowed, Err: fmt.Errorf("no namespace for the program alone: %w", err)}
		return nil, withHint(err, "%s", namespaceHint+", or leave out --private")
	}
	if dir, err = newFolder(false); err != nil {
		return nil, err
	}
	shared, sharedErr := o.sharedSpace(dir)
	if sharedErr != nil {
		return nil, errors.Join(sharedErr, ignoreMissing(os.Remove(dir)))
	}
	a.warnf("this system grants no namespaces: until the program ends, all programs of yours can read the model at %s; --private refuses that", printable(shared.dir))
	return shared, nil
}

// noSpaceError says that the system grants no namespaces, or no mounts in them.
type noSpaceError struct{ err error }

func (e *noSpaceError) Error() string { return e.err.Error() }
func (e *noSpaceError) Unwrap() error { return e.err }

// notGranted tells what a system answers that forbids namespaces, by a filter, a
// limit or a module, from other failures.
func notGranted(err error) bool {
	for _, errno := range []unix.Errno{unix.EPERM, unix.EACCES, unix.ENOSYS, unix.EINVAL, unix.ENOSPC, unix.EUSERS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// ownNamespace starts a process in a mount namespace; a user needs a user namespace
// for that.
func ownNamespace() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN} // in the new namespace alone
	}
	return attr
}

// ownSpace makes a space in a namespace. The folder is hidden there, and the model lies in it.
func (o *execOptions) ownSpace(folder string) (*space, error) {
	s, err := o.startSpace(filepath.Join(folder, "model"), ownNamespace(), nil)
	if notGranted(err) {
		return nil, &noSpaceError{err}
	}
	if err != nil {
		return nil, err
	}
	s.folder = folder
	if s.handed, err = s.receive(len(o.models)); err != nil {
		return nil, errors.Join(err, s.abandon())
	}
	return s, nil
}

// sharedSpace makes a space that sees what this process sees. Its folder is
// mounted by whoever serves it, who also removes it.
func (o *execOptions) sharedSpace(dir string) (*space, error) {
	ends, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer held.Close() //nolint:errcheck // the programs have their own
	s, err := o.startSpace(dir, new(syscall.SysProcAttr), held)
	if err != nil {
		return nil, errors.Join(err, ends.Close())
	}
	s.folder = dir
	for _, m := range o.models {
		s.handed = append(s.handed, &handed{file: ends, program: s.cmd.Process.Pid})
		if m.name != "" {
			err = errors.Join(err, os.Mkdir(m.in(dir), 0o700))
		}
	}
	if err != nil {
		return nil, errors.Join(err, ends.Close(), s.abandon())
	}
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
	for _, m := range o.models {
		if m.name != "" {
			args = append(args, "--at="+m.name)
		}
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

// receive returns the mounts that the process has made, with their devices.
func (s *space) receive(mounts int) ([]*handed, error) {
	data, rights := make([]byte, 8192), make([]byte, unix.CmsgSpace(4*maxModels))
	n, oobn, _, _, err := s.socket.ReadMsgUnix(data, rights)
	if err == nil && n == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	message := new(spaceMessage)
	if err := json.Unmarshal(data[:n], message); err != nil {
		return nil, err
	}
	switch err := errors.New(message.Error); {
	case message.NotGranted:
		return nil, &noSpaceError{err}
	case message.Error != "":
		return nil, err
	}
	fds, err := receivedFiles(rights[:oobn])
	if err == nil && (len(fds) != mounts || len(message.Mounts) != mounts) {
		err = errors.New("another number of mounts came")
	}
	if err != nil {
		return nil, errors.Join(err, closeAll(fds))
	}
	all := make([]*handed, mounts)
	for i, m := range message.Mounts {
		all[i] = &handed{file: os.NewFile(uintptr(fds[i]), fuseDevice), prepared: true, major: m.Major, minor: m.Minor}
	}
	return all, nil
}

// receivedFiles returns the descriptors that came with a message.
func receivedFiles(rights []byte) ([]int, error) {
	controls, err := unix.ParseSocketControlMessage(rights)
	if err != nil || len(controls) != 1 {
		return nil, errors.Join(errors.New("no device came with the message"), err)
	}
	return unix.ParseUnixRights(&controls[0])
}

func closeAll(fds []int) (err error) {
	for _, fd := range fds {
		err = errors.Join(err, unix.Close(fd))
	}
	return err
}

// closeHanded closes what the processes that serve have by now.
func (s *space) closeHanded() {
	for _, h := range s.handed {
		h.file.Close() //nolint:errcheck,gosec // several may have the same
	}
}

// abandon ends a space in which no program runs yet. Folders that a process serves
// already go with it.
func (s *space) abandon() error {
	err := s.socket.Close()
	s.cmd.Wait()                                        //nolint:errcheck,gosec // it ends because nothing is left to wait for
	if names, _ := os.ReadDir(s.folder); names != nil { // of a shared one
		for _, name := range names {
			os.Remove(filepath.Join(s.folder, name.Name())) //nolint:errcheck,gosec // see above
		}
	}
	return errors.Join(err, ignoreServed(os.Remove(s.folder)))
}

// ignoreServed makes it no error that a folder is gone, or that somebody still serves
// one in it, who removes both.
func ignoreServed(err error) error {
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EBUSY) {
		return nil
	}
	return ignoreMissing(err)
}
