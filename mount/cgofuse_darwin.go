// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package mount

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Nothing of this file has been run: no machine with macOS was at hand.

const (
	libraryName = "macFUSE"
	directFlag  = 0
	ignoresCase = false
)

// libraryOptions are macFUSE's.
func libraryOptions(opts Options) []string {
	words := []string{"ro", "nosuid", "nodev", "noappledouble", "noapplexattr", "default_permissions", "fsname=tgsp"}
	if opts.Label != "" {
		words = append(words, "volname="+opts.Label)
	}
	if opts.AllowOther {
		words = append(words, "allow_other")
	}
	if opts.NoExec {
		words = append(words, "noexec")
	}
	return listOptions(words...)
}

func shownMode(it *item) uint32 { return it.mode }

// forget does nothing: the library gives no way to the system's cache.
func (*cgoFUSE) forget(string) bool { return false }

// place is an empty folder.
type place struct {
	path   string
	device int32 // of the folder itself
}

func (p place) name() string { return p.path }

// takePlace checks a mountpoint.
func takePlace(dir, _ string) (place, error) {
	refuse := func(reason Reason, format string, args ...any) (place, error) {
		return place{}, &Error{"mount", dir, reason, fmt.Errorf(format, args...)}
	}
	path, err := Resolve(dir)
	if err != nil {
		return refuse(Other, "%w", err)
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return refuse(NotFound, "the mountpoint does not exist")
	case errors.Is(err, unix.ENOTDIR):
		return refuse(NotDirectory, "the mountpoint is not a folder")
	case err != nil:
		return refuse(NotAllowed, "%w", err)
	case len(entries) > 0:
		return refuse(NotEmpty, "the mountpoint is not empty: it holds %s", entries[0].Name())
	}
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return refuse(Other, "%w", err)
	}
	return place{path, stat.Dev}, nil
}

// Resolve returns the absolute path of a mountpoint, without symbolic links.
func Resolve(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path, nil
}

// visible reports whether programs see the mount.
func (p place) visible() bool {
	var stat unix.Stat_t
	return unix.Stat(p.path, &stat) == nil && stat.Dev != p.device
}

func (place) leave() error { return nil }
