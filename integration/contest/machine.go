// SPDX-License-Identifier: Apache-2.0

//go:build linux

package contest

import "golang.org/x/sys/unix"

// Kernel is the release of the kernel that a run was made with.
func Kernel() (string, error) {
	var name unix.Utsname
	err := unix.Uname(&name)
	return unix.ByteSliceToString(name.Release[:]), err
}
