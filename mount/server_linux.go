// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"errors"
	iofs "io/fs"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// fsName is the part of the file system's type after "fuse.".
const fsName = "tgsp"

var errNotReaderAt = errors.New("the file cannot be read at offsets")

// Server is a mount that this process serves.
type Server struct {
	fuse *fuse.Server
	root *fs.Inode
	tree *tree
	dir  string
	log  *slog.Logger

	major, minor int  // of the device that the mount table shows
	prepared     bool // by another process, in a namespace that this one is not in

	idle      atomic.Bool   // it ends, or has ended, because nothing has used it
	aborted   chan struct{} // closed when the kernel asks for nothing any more
	abortOnce sync.Once
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

// attach shows fsys at dir. Its place in go-fuse's sense is the same, or /dev/fd/N
// for a mount that is there already and whose requests come through that
// descriptor.
func attach(dir, place string, fsys iofs.FS, opts Options) (*Server, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.ReadAhead == 0 {
		opts.ReadAhead = DefaultReadAhead
	}
	t := &tree{fsys: fsys, opts: opts}
	t.usage.start = time.Now()
	info, err := iofs.Stat(fsys, ".")
	if err != nil {
		return nil, &Error{"mount", dir, Other, err}
	}
	item, err := t.build(".", info, nil)
	if err != nil {
		return nil, &Error{"mount", dir, Other, err}
	}
	root := &folderNode{item: item}
	server, err := fs.Mount(place, root, fuseOptions(item, opts))
	if err != nil {
		return nil, explain(dir, err)
	}
	return &Server{fuse: server, root: root.EmbeddedInode(), tree: t, dir: dir, log: opts.Logger, aborted: make(chan struct{})}, nil
}

func fuseOptions(root *item, opts Options) *fs.Options {
	timeout := forever
	stable := root.stable()
	quiet := slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug)
	room := opts.room()
	o := &fs.Options{
		EntryTimeout: &timeout, AttrTimeout: &timeout, NegativeTimeout: &timeout,
		UID: opts.UID, GID: opts.GID, RootStableAttr: &stable, Logger: quiet,
	}
	o.MountOptions = fuse.MountOptions{
		AllowOther: opts.AllowOther, FsName: opts.FSName, Name: fsName,
		MaxWrite: room.request, MaxReadAhead: room.request, MaxBackground: room.background,
		DisableSplice: true, DisableXAttrs: true, ExtraCapabilities: fuse.CAP_ASYNC_DIO,
		ExplicitDataCacheControl: true,
		Logger:                   quiet,
	}
	if os.Geteuid() == 0 {
		o.DirectMount = true
		o.DirectMountFlags = unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV
		o.Options = []string{"default_permissions"}
	} else {
		o.Options = []string{"ro", "default_permissions"}
	}
	if opts.NoExec {
		o.DirectMountFlags |= unix.MS_NOEXEC
		if !o.DirectMount {
			o.Options = append(o.Options, "noexec")
		}
	}
	return o
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

// Dir returns the mountpoint.
func (s *Server) Dir() string { return s.dir }

// Wait returns when the mount has ended and no program uses it any more. Reads
// that wait for storage are waited for, unless Revoke had to end them.
func (s *Server) Wait() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.fuse.Wait()
		s.tree.ahead.Load().stop()
	}()
	select {
	case <-ended:
	case <-s.aborted:
	}
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
		if err := s.checkMounted(); err != nil {
			return err
		}
		err := unmountOnce(s.dir, false)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			return unmountError(s.dir, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryEvery):
		}
	}
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
