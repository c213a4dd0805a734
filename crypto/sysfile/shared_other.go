// SPDX-License-Identifier: Apache-2.0

//go:build !unix && !windows

package sysfile

// Shared reports nothing where permissions are made up.
func Shared(string) (bool, error) { return false, nil }

// WritableByOthers reports nothing where permissions are made up.
func WritableByOthers(string) (bool, error) { return false, nil }
