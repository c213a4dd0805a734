// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// checkMountpoint returns the real path of a folder that can be mounted on.
func checkMountpoint(dir, source string) (string, error) {
	refuse := func(reason Reason, format string, args ...any) (string, error) {
		return "", &Error{"mount", dir, reason, fmt.Errorf(format, args...)}
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	switch {
	case errors.Is(err, iofs.ErrNotExist):
		return refuse(NotFound, "the mountpoint does not exist")
	case errors.Is(err, unix.ENOTCONN):
		return refuse(AlreadyMounted, "a mount whose program has died is still there")
	case errors.Is(err, iofs.ErrPermission):
		return refuse(NotAllowed, "%w", err)
	case err != nil:
		return refuse(Other, "%w", err)
	}
	// The table comes before anything that asks the file system: a mount that
	// hangs would hang this too.
	mounts, err := List()
	if err != nil {
		return refuse(Other, "%w", err)
	}
	for _, m := range mounts {
		if m.Dir == abs {
			return refuse(AlreadyMounted, "%s is mounted there already", m.Source)
		}
		if within(m.Dir, abs) {
			return refuse(Inside, "it lies inside the mount of %s at %s", m.Source, m.Dir)
		}
	}
	info, err := os.Stat(abs)
	if errors.Is(err, unix.ENOTCONN) {
		return refuse(AlreadyMounted, "a mount whose program has died is still there")
	}
	if err != nil {
		return refuse(Other, "%w", err)
	}
	if !info.IsDir() {
		return refuse(NotDirectory, "the mountpoint is not a folder")
	}
	if source != "" {
		if real, err := filepath.EvalSymlinks(source); err == nil && within(abs, real) {
			return refuse(HoldsSource, "the mountpoint holds the package itself, %s", source)
		}
	}
	entries, err := os.ReadDir(abs)
	if err != nil {
		return refuse(NotAllowed, "%w", err)
	}
	if len(entries) > 0 {
		return refuse(NotEmpty, "the mountpoint is not empty: it holds %s", entries[0].Name())
	}
	return abs, nil
}

// within reports whether path lies below dir.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, "../")
}
