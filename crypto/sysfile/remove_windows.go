// SPDX-License-Identifier: Apache-2.0

package sysfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/windows"
)

// RemoveAll removes a folder with what is in it. Go does that in a way that not every
// file system knows, where a program or a server takes the place of NTFS; all know
// how to remove one file.
func RemoveAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, windows.ERROR_INVALID_FUNCTION) {
		return err
	}
	var names []string
	err = filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	for _, name := range slices.Backward(names) {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
