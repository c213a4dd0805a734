// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows && !(darwin && cgo)

package mount

import (
	"context"
	"errors"
	iofs "io/fs"
	"path/filepath"
)

var errPlatform = errors.New("this program was built without mounts for this system")

// kernelMount is nothing on this platform.
type kernelMount struct{}

// Available returns an error: there is no mount on this platform.
func Available() error { return errPlatform }

// Mount fails with an *Error: there is no mount on this platform.
func Mount(dir string, _ iofs.FS, _ Options) (*Server, error) {
	return nil, &Error{"mount", dir, NoFUSE, errPlatform}
}

// Unmount fails with an *Error.
func (*Server) Unmount(context.Context) (bool, error) { return Unmount("") }

func (*Server) unmountNow() (bool, error) { return Unmount("") }

// Revoke does nothing.
func (*Server) Revoke() int { return 0 }

// Detach fails with an *Error.
func (*Server) Detach() error {
	_, err := Unmount("")
	return err
}

// Unmount fails with an *Error.
func Unmount(dir string) (bool, error) { return false, &Error{"unmount", dir, NoFUSE, errPlatform} }

// List returns no mounts.
func List() ([]Info, error) { return nil, nil }

// Resolve returns the absolute path of a mountpoint.
func Resolve(dir string) (string, error) { return filepath.Abs(dir) }
