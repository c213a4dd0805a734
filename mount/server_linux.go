// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"errors"
	iofs "io/fs"
	"log/slog"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// fsName is the part of the file system's type after "fuse.".
const fsName = "tgsp"

// kernelMount is what the kernel knows a mount by.
type kernelMount struct {
	major, minor int  // of the device that the mount table shows
	prepared     bool // by another process, in a namespace that this one is not in
}

// Mount shows fsys at dir, an empty folder. When it returns the folder can be
// read. The files of fsys must be io.ReaderAt and must not change. As root it
// mounts directly; as a user it needs fusermount3. Failures are *Error.
func Mount(dir string, fsys iofs.FS, opts Options) (*Server, error) {
	dir, err := checkMountpoint(dir, opts.Source)
	if err != nil {
		return nil, err
	}
	s, err := attach(dir, dir, fsys, opts)
	if err != nil {
		return nil, err
	}
	if s.major, s.minor, err = deviceNumber(dir); err != nil {
		s.log.Warn("cannot find the device of this mount", slog.Any("reason", err))
	}
	s.setReadAhead()
	return s, nil
}

// attach shows fsys at dir. Its place in the library's sense is the same, or
// /dev/fd/N for a mount that is there already and whose requests come through that
// descriptor.
func attach(dir, place string, fsys iofs.FS, opts Options) (*Server, error) {
	opts.complete()
	t, err := newTree(fsys, opts)
	if err != nil {
		return nil, &Error{"mount", dir, Other, err}
	}
	l, err := newLink(place, t)
	if err != nil {
		return nil, explain(dir, err)
	}
	return newServer(l, t, dir), nil
}

// explain finds the reason in what the system and the library say.
func explain(dir string, err error) error {
	reason := Other
	_, noDevice := os.Stat("/dev/fuse")
	switch {
	case noDevice != nil, errors.Is(err, exec.ErrNotFound), errors.Is(err, unix.ENODEV):
		reason = NoFUSE
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		reason = NotAllowed
	case errors.Is(err, unix.EBUSY):
		reason = Busy
	case os.Geteuid() != 0:
		// All that is known is that fusermount3 failed, and it has said why on
		// standard error. Nearly always the user may not.
		reason = NotAllowed
	}
	return &Error{"mount", dir, reason, err}
}

// Unmount ends the mount. While a program uses it it tries again, for some
// seconds or until ctx ends; then it takes the folder out of sight (lazy) and
// leaves open files to the programs that have them.
func (s *Server) Unmount(ctx context.Context) (lazy bool, err error) {
	if s.prepared {
		return true, nil
	}
	if err := s.checkMounted(); err != nil {
		return false, err
	}
	return unmountPatiently(ctx, s.dir)
}

// UnmountUnused ends the mount as soon as no program uses it, however long that
// takes, or ctx ends.
func (s *Server) UnmountUnused(ctx context.Context) error {
	for {
		if used, err := s.unmountNow(); !used || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}

// unmountNow ends the mount, unless a program uses it.
func (s *Server) unmountNow() (used bool, err error) {
	if err := s.checkMounted(); err != nil {
		return false, err
	}
	err = unmountOnce(s.dir, false)
	if err == nil || errors.Is(err, unix.EBUSY) {
		return err != nil, nil
	}
	return false, unmountError(s.dir, err)
}

// Detach takes the folder out of sight at once, whoever uses it. Wait returns
// when the last file that is open or mapped has been let go.
func (s *Server) Detach() error {
	if s.prepared {
		return nil
	}
	if err := s.checkMounted(); err != nil {
		return err
	}
	if err := unmountOnce(s.dir, true); err != nil {
		return unmountError(s.dir, err)
	}
	return nil
}

// checkMounted makes sure that what lies at the mountpoint is this mount: once it
// was detached, another may have come to its place while files stay open.
func (s *Server) checkMounted() error {
	major, minor, err := deviceNumber(s.dir)
	if err == nil && (major != s.major || minor != s.minor) {
		err = errors.New("another mount lies there")
	}
	if err != nil {
		return &Error{"unmount", s.dir, NotMounted, err}
	}
	return nil
}
