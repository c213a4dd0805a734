// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sysfile

import "os"

// shareFile lets everybody read a file, and shareFolder write into a folder.
func shareFile(name string) error  { return os.Chmod(name, 0o644) }
func shareFolder(dir string) error { return os.Chmod(dir, 0o777) }
