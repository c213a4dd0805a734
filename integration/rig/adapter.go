// SPDX-License-Identifier: Apache-2.0

//go:build linux && !fuse3

package rig

// The command as it is released.
const (
	buildTags = ""
	buildCgo  = "CGO_ENABLED=0"
)
