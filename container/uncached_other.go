// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package container

import "os"

// uncachedFile reads a file from front to end. Only Linux can keep it out of the
// page cache.
type uncachedFile struct{ file *os.File }

func (u *uncachedFile) Read(p []byte) (int, error) { return u.file.Read(p) }
