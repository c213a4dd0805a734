// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/tensorguard/tgsp/mount"

const (
	withoutMounts  = "; without mounts: tgsp extract PKG DIR"
	otherMountHint = "see more with: tgsp doctor" + withoutMounts
	allowOtherHint = otherMountHint
)

func noFUSEHint() string { return libraryHint + withoutMounts }

func notAllowedHint(*mount.Error) string {
	return "only the user who mounted it can end a mount, or an administrator"
}
