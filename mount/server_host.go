// SPDX-License-Identifier: Apache-2.0

//go:build windows || (darwin && cgo)

package mount

import (
	"context"
	"errors"
	iofs "io/fs"
	"time"

	"github.com/winfsp/cgofuse/fuse"
)

// unmountTime is how long the library gets to end a mount.
const unmountTime = 10 * time.Second

var (
	errNotOurs  = errors.New("only the process that serves a mount can end it here")
	errNotEnded = errors.New("the library does not end the mount")
)

// kernelMount is nothing here: the library knows its mounts.
type kernelMount struct{}

// Available returns an error where the system lacks what mounts need.
func Available() (err error) {
	defer func() {
		if recover() != nil { // see cgoFUSE.run
			err = errNoLibrary
		}
	}()
	_, err = fuse.OptParse(nil, "")
	return err
}

// Mount shows fsys at dir: on Windows a drive letter, such as X:, or * for one that is
// free, or a folder that does not exist or is empty; on macOS an empty folder. When it
// returns it can be read. The files of fsys must be io.ReaderAt and must not change.
// Failures are *Error.
func Mount(dir string, fsys iofs.FS, opts Options) (*Server, error) {
	opts.complete()
	t, err := newTree(fsys, opts)
	if err != nil {
		return nil, &Error{"mount", dir, Other, err}
	}
	p, err := takePlace(dir, opts.Source)
	if err != nil {
		return nil, err
	}
	t.ahead.Store(newAhead(t, true))
	l, err := startLink(p.name(), t, p.leave)
	if err == nil {
		err = l.awaitVisible(p)
	}
	if err != nil {
		reason := Other
		if errors.Is(err, errNoLibrary) {
			reason = NoFUSE
		}
		return nil, &Error{"mount", dir, reason, err}
	}
	return newServer(l, t, p.name()), nil
}

// awaitVisible returns when programs see the mount, which is some time after the
// library has begun.
func (l *cgoFUSE) awaitVisible(p place) error {
	for !p.visible() {
		select {
		case <-l.ended:
			return l.failure()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// Unmount ends the mount, whoever uses it. Programs that have files open get errors.
func (s *Server) Unmount(ctx context.Context) (lazy bool, err error) {
	l := s.link.(*cgoFUSE)
	l.host.Unmount()
	select {
	case <-l.ended:
		return false, l.left
	case <-ctx.Done():
		return false, &Error{"unmount", s.dir, Busy, ctx.Err()}
	case <-time.After(unmountTime):
		return false, &Error{"unmount", s.dir, Busy, errNotEnded}
	}
}

// unmountNow ends the mount. That nothing has a file or folder open is known before.
func (s *Server) unmountNow() (used bool, err error) {
	_, err = s.Unmount(context.Background())
	return false, err
}

// Detach is Unmount here.
func (s *Server) Detach() error {
	_, err := s.Unmount(context.Background())
	return err
}

// Revoke takes from the system what it keeps of files and folders that programs have
// opened. Options.Allow must refuse already. It returns how many of them it could not
// ask it for. What a program has mapped stays with it until it unmaps it or ends.
func (s *Server) Revoke() (left int) {
	s.tree.ahead.Load().stop()
	contents, names := s.link.drops(1)
	for _, forget := range append(contents, names...) {
		if !forget() {
			left++
		}
	}
	return left
}

// Unmount fails with an *Error: see Server.Unmount.
func Unmount(dir string) (lazy bool, err error) {
	return false, &Error{"unmount", dir, NotAllowed, errNotOurs}
}

// List returns no mounts: the system does not tell whose they are.
func List() ([]Info, error) { return nil, nil }
