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
)

// WriteFile writes a file beside its name, syncs it, renames it, and makes the
// name durable.
func WriteFile(name string, data []byte, perm fs.FileMode) error {
	return writeFile(name, data, perm, SyncFolder)
}

func writeFile(name string, data []byte, perm fs.FileMode, syncFolder func(string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp")
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
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(name))
}

// MkdirAll makes a folder and those above it that are missing, and makes the
// names of all that it has made durable.
func MkdirAll(dir string, perm fs.FileMode) error { return mkdirAll(dir, perm, SyncFolder) }

func mkdirAll(dir string, perm fs.FileMode, syncFolder func(string) error) error {
	err := os.Mkdir(dir, perm)
	parent := filepath.Dir(dir)
	if errors.Is(err, fs.ErrNotExist) && parent != dir {
		if err := mkdirAll(parent, perm, syncFolder); err != nil {
			return err
		}
		err = os.Mkdir(dir, perm)
	}
	if err == nil {
		return syncFolder(parent)
	}
	if info, statErr := os.Stat(dir); statErr == nil && info.IsDir() {
		return nil // it was there, or somebody else has just made it
	}
	return err
}
