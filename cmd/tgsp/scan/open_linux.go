// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"os"

	"golang.org/x/sys/unix"
)

// openQuietly opens a file that was listed as a regular one: without waiting
// where it has become a named pipe, without following a link that has taken its
// place, and without filling the page cache with what comes after the bytes that
// are read.
func openQuietly(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0)
	if err == nil {
		unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM) //nolint:errcheck,gosec // advice; descriptors are small
	}
	return f, err
}
