// SPDX-License-Identifier: Apache-2.0

// Package durable changes files so that a crash leaves what was there before or
// what was to be there, and so that what is done outlives a loss of power: the
// names in a folder too, which are synced apart from the files.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// WriteFile writes a file beside its name, syncs it, renames it, and makes the
// name durable. Where perm gives others nothing, they get nothing on Windows either.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	return writeFile(name, data, perm, SyncFolder)
}

func writeFile(name string, data []byte, perm fs.FileMode, syncFolder func(string) error) (err error) {
	create := os.CreateTemp
	if forOwner(perm) {
		create = sysfile.CreateTempPrivate
	}
	f, err := create(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = sysfile.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(name))
}

// forOwner reports whether permissions are for the owner alone.
func forOwner(perm fs.FileMode) bool { return perm&0o077 == 0 }

// mkdir is os.Mkdir for all systems, see WriteFile.
func mkdir(dir string, perm fs.FileMode) error {
	if forOwner(perm) {
		return sysfile.MkdirPrivate(dir)
	}
	return os.Mkdir(dir, perm)
}

// MkdirAll makes a folder and those above it that are missing, and makes the
// names of all that it has made durable.
func MkdirAll(dir string, perm fs.FileMode) error { return mkdirAll(dir, perm, SyncFolder) }

func mkdirAll(dir string, perm fs.FileMode, syncFolder func(string) error) error {
	err := mkdir(dir, perm)
	parent := filepath.Dir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := mkdirAll(parent, perm, syncFolder); err != nil {
			return err
		}
		err = mkdir(dir, perm)
	}
	if err == nil {
		return syncFolder(parent)
	}
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil // it was there, or somebody else has just made it
	}
	return err
}
