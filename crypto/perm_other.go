// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package crypto

// hasPermissionBits is false where access is by list and the bits are made up.
const hasPermissionBits = false
