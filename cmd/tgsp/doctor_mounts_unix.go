// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package main

import "github.com/tensorguard/tgsp/mount"

// libraryHint says how to get what mounts need.
const libraryHint = "install macFUSE, and build tgsp with cgo"

func machineChecks() []func() *doctorCheck { return []func() *doctorCheck{checkMounts} }

// checkMounts looks for macFUSE as a mount would.
func checkMounts() *doctorCheck {
	c := &doctorCheck{Name: "mounts", OK: true, Found: "packages can be mounted through macFUSE"}
	if err := mount.Available(); err != nil {
		c.Found, c.Next = err.Error(), libraryHint
	}
	return c
}
