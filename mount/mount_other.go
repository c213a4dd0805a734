// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package mount

import (
	"context"
	"errors"
	iofs "io/fs"
)

var errPlatform = errors.New("packages can be mounted on Linux only so far")

// Server is a mount that this process serves. There is none on this platform.
type Server struct{}

// Mount fails with an *Error: this platform has no mount yet.
func Mount(dir string, _ iofs.FS, _ Options) (*Server, error) {
	return nil, &Error{"mount", dir, NoFUSE, errPlatform}
}

// Dir returns the mountpoint.
func (*Server) Dir() string { return "" }

// Wait returns at once.
func (*Server) Wait() {}

// Unmount fails with an *Error.
func (*Server) Unmount(context.Context) (bool, error) { return Unmount("") }

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
