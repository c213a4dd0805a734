// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"context"
	"errors"
	iofs "io/fs"
	"path/filepath"
)

// mountKind is what a walk does with a mount.
type mountKind int

const (
	mountFiles   mountKind = iota // holds files: walked
	mountPackage                  // a package's: counted by its package
	mountPseudo                   // shows the system's state: left alone
)

// mountTable knows by its mountpoint what is mounted.
type mountTable map[string]mountEntry

type mountEntry struct {
	kind   mountKind
	source string
}

// add adds mounts of packages that are not known yet. A drive of Windows is known by
// its letter, and its folder ends in a separator.
func (t mountTable) add(mounts []Mount) {
	for _, m := range mounts {
		dir := m.Dir
		if filepath.VolumeName(dir) == dir {
			dir += string(filepath.Separator)
		}
		if _, known := t[dir]; !known {
			t[dir] = mountEntry{mountPackage, m.Source}
		}
	}
}

// at returns the mount whose mountpoint a path is. A folder that is none is
// mountFiles, as are other mounts.
func (t mountTable) at(path string) (Mount, mountKind) {
	e := t[path]
	return Mount{path, e.source}, e.kind
}

// covering returns the mount in which a path without symbolic links lies.
func (t mountTable) covering(path string) (Mount, mountKind) {
	for {
		if _, found := t[path]; found {
			return t.at(path)
		}
		parent := filepath.Dir(path)
		if parent == path {
			return Mount{}, mountFiles
		}
		path = parent
	}
}

// MountSize adds up the sizes of the files that a mount shows, which decrypts
// nothing.
func MountSize(ctx context.Context, dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, d iofs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
