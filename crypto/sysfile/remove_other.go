// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package sysfile

import "os"

// RemoveAll removes a folder with what is in it.
func RemoveAll(dir string) error { return os.RemoveAll(dir) }
