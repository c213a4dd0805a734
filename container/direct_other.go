// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package container

import "os"

// openDirect returns nil: only Linux has direct I/O that fits a second
// descriptor of the same file.
func openDirect(*os.File) *os.File { return nil }

func aligned([]byte, int64) bool { return false }

func adviseHuge([]byte) {}
