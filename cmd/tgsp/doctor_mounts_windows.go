// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
)

// machineChecks says what takes the place of a mount, and looks for what mounts will
// need.
func machineChecks() []func() *doctorCheck { return []func() *doctorCheck{checkMounts, checkWinFsp} }

// checkWinFsp looks where the installer of WinFsp puts its libraries.
func checkWinFsp() *doctorCheck {
	c := &doctorCheck{Name: "winfsp", OK: true}
	dir := filepath.Join(os.Getenv("ProgramFiles(x86)"), "WinFsp")
	if _, err := os.Stat(filepath.Join(dir, "bin")); err != nil {
		c.Found, c.Next = "WinFsp is not installed, by which Windows shows folders of programs", "winget install WinFsp.WinFsp"
		return c
	}
	c.Found, c.Values = "WinFsp is installed", map[string]string{"path": dir}
	return c
}
