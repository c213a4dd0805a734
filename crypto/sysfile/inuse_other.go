// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package sysfile

import "os"

// InUse reports whether something failed because another program has the file open,
// or a part of it locked. Only Windows refuses that.
func InUse(error) bool { return false }

// OpenForChange opens a file for reading and writing.
func OpenForChange(name string) (*os.File, error) { return os.OpenFile(name, os.O_RDWR, 0) }

// Rename gives a file another name, in place of a file that has it.
func Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func Remove(name string) error { return os.Remove(name) }
