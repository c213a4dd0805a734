// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package sysfile

import (
	"os"
)

// OpenPrivate is os.OpenFile that makes files for their owner alone. One that is
// there keeps its permissions.
func OpenPrivate(name string, flag int) (*os.File, error) { return os.OpenFile(name, flag, 0o600) }

// CreateTempPrivate is os.CreateTemp, whose files are for their owner alone.
func CreateTempPrivate(dir, pattern string) (*os.File, error) { return os.CreateTemp(dir, pattern) }

// MkdirPrivate makes a folder for its owner alone, as all is that will be in it.
func MkdirPrivate(name string) error { return os.Mkdir(name, 0o700) }

// MkdirTempPrivate is os.MkdirTemp, whose folders are for their owner alone.
func MkdirTempPrivate(dir, pattern string) (string, error) { return os.MkdirTemp(dir, pattern) }
