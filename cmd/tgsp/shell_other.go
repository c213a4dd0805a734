// SPDX-License-Identifier: Apache-2.0

//go:build !windows

package main

import "os/exec"

// shellCommand runs a line in the system's shell.
func shellCommand(line string) *exec.Cmd { return exec.Command("/bin/sh", "-c", line) }
