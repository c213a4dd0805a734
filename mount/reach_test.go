// SPDX-License-Identifier: Apache-2.0

//go:build linux && !fuse3

package mount

// reachesCache is whether the library under test can store into the kernel's cache.
const reachesCache = true
