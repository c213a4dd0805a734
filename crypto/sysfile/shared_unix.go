// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sysfile

import (
	"io/fs"
	"os"
)

// Shared reports whether others than the owner may do anything with a file. Links are
// followed.
func Shared(name string) (bool, error) { return permits(name, 0o077) }

// WritableByOthers reports whether others than the owner may change a file, or what
// is in a folder. Links are followed.
func WritableByOthers(name string) (bool, error) { return permits(name, 0o022) }

func permits(name string, bits fs.FileMode) (bool, error) {
	info, err := os.Stat(name)
	return err == nil && info.Mode().Perm()&bits != 0, err
}
