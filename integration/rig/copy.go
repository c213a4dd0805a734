// SPDX-License-Identifier: Apache-2.0

//go:build linux

package rig

import (
	"errors"
	"io"
	"os"
)

// CopyFile copies a file's contents into a new one that every user can read,
// whatever the umask.
func CopyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Chmod(0o644), w.Close())
}
