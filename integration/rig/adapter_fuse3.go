// SPDX-License-Identifier: Apache-2.0

//go:build linux && fuse3

package rig

// The command with the adapter for Windows and macOS in it, over libfuse.
const (
	buildTags = "fuse3"
	buildCgo  = "CGO_ENABLED=1"
)
