// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package container

import "os"

// uncachedFile reads a file from front to end. Only Linux can keep it out of the
// page cache.
type uncachedFile struct{ *os.File }

func newUncachedFile(f *os.File) *uncachedFile { return &uncachedFile{f} }
