// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package scan

import "path/filepath"

// readMounts returns an empty table: see mountTable.add.
func readMounts() (mountTable, error) { return mountTable{}, nil }

// resolve returns a path without symbolic links.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
