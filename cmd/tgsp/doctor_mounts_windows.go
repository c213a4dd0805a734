// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/tensorguard/tgsp/mount"

// libraryHint says how to get what mounts need.
const libraryHint = "install WinFsp, by which Windows shows folders of programs: winget install WinFsp.WinFsp"

func machineChecks() []func() *doctorCheck { return []func() *doctorCheck{checkWinFsp} }

// checkWinFsp looks for it as a mount would.
func checkWinFsp() *doctorCheck {
	c := &doctorCheck{Name: "winfsp", OK: true, Found: "packages can be mounted through WinFsp"}
	if err := mount.Available(); err != nil {
		c.Found, c.Next = err.Error(), libraryHint
		return c
	}
	c.Values = map[string]string{"notice": winFspNotice}
	return c
}
