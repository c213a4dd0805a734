// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// AnyDrive is the mountpoint that stands for a drive letter that is free.
const AnyDrive = "*"

// place is a drive letter with its colon, or a folder. WinFsp makes the folder, and
// takes it away with the mount.
type place struct {
	path    string
	existed bool // as an empty folder, which has to be there afterwards too
}

func (p place) name() string { return p.path }

// takePlace checks a mountpoint.
func takePlace(dir, _ string) (place, error) {
	dir, err := Resolve(dir)
	if err != nil {
		return place{}, &Error{"mount", dir, Other, err}
	}
	if dir == AnyDrive {
		dir, err = freeDrive()
		return place{path: dir}, err
	}
	if isDrive(dir) {
		return place{path: dir}, checkDrive(dir)
	}
	return takeFolder(dir)
}

// Resolve returns the path by which a mount at dir is known: a drive letter as X:,
// else an absolute path.
func Resolve(dir string) (string, error) {
	if dir == AnyDrive {
		return dir, nil
	}
	if drive := strings.TrimRight(dir, `\/`); isDrive(drive) {
		return strings.ToUpper(drive), nil
	}
	return filepath.Abs(dir)
}

func isDrive(dir string) bool {
	return len(dir) == 2 && dir[1] == ':' && ('a' <= dir[0]|0x20 && dir[0]|0x20 <= 'z')
}

func checkDrive(dir string) error {
	used, err := windows.GetLogicalDrives()
	if err == nil && used&(1<<(dir[0]-'A')) != 0 {
		return &Error{"mount", dir, AlreadyMounted, errors.New("the drive letter is taken")}
	}
	return nil
}

// freeDrive returns the last letter that is free, as WinFsp itself would: first ones
// are for disks.
func freeDrive() (string, error) {
	for letter := byte('Z'); letter >= 'D'; letter-- {
		if drive := string([]byte{letter, ':'}); checkDrive(drive) == nil {
			return drive, nil
		}
	}
	return "", &Error{"mount", AnyDrive, Busy, errors.New("no drive letter is free")}
}

func takeFolder(dir string) (place, error) {
	refuse := func(reason Reason, format string, args ...any) (place, error) {
		return place{}, &Error{"mount", dir, reason, fmt.Errorf(format, args...)}
	}
	info, err := os.Lstat(dir)
	if errors.Is(err, iofs.ErrNotExist) {
		if _, err := os.Stat(filepath.Dir(dir)); err != nil {
			return refuse(NotFound, "the folder that is to hold the mountpoint does not exist")
		}
		return place{path: dir}, nil
	}
	if err != nil {
		return refuse(Other, "%w", err)
	}
	if !info.IsDir() {
		return refuse(NotDirectory, "the mountpoint is not a folder")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return refuse(NotAllowed, "%w", err)
	}
	if len(entries) > 0 {
		return refuse(NotEmpty, "the mountpoint is not empty: it holds %s", entries[0].Name())
	}
	if err := os.Remove(dir); err != nil {
		return refuse(Busy, "%w", err)
	}
	return place{dir, true}, nil
}

// visible reports whether programs see the mount.
func (p place) visible() bool {
	_, err := os.Stat(p.path + `\`)
	return err == nil
}

// leave makes an empty folder again that was there before.
func (p place) leave() error {
	if !p.existed {
		return nil
	}
	if err := os.Mkdir(p.path, 0o777); err != nil && !errors.Is(err, iofs.ErrExist) {
		return err
	}
	return nil
}
