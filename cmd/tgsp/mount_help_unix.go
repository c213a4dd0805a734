// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !windows

package main

const mountHelp = `mount shows the contents of a package in the folder DIR, which must exist and
be empty. Programs read from it as from any folder; nothing can be written.
` + mountFlagsHelp + `

On macOS it needs macFUSE, and this program built with cgo.`

const mountExample = `  mkdir -p ~/model
  tgsp mount model.tgsp ~/model`

// mountedNotice is shown when a mount begins.
const mountedNotice = ""
