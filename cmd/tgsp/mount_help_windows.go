// SPDX-License-Identifier: Apache-2.0

package main

// winFspNotice is what WinFsp's licence asks programs to show that use it.
const winFspNotice = "WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos\nhttps://github.com/winfsp/winfsp"

const mountHelp = `mount shows the contents of a package as the drive or folder DIR: a letter that
is free, such as X:, or * for any, or a folder that does not exist yet or is empty.
Programs read from it as from any folder; nothing can be written. Names are found
whatever their case, unless the package has two that differ by nothing else.
` + mountFlagsHelp + `

It can run as a service, which the service manager starts, stops and restarts:
  sc create tgsp-model binPath= "C:\tgsp\tgsp.exe mount C:\models\model.tgsp X: --allow-other -i C:\tgsp\identity.key --trusted-key C:\tgsp\author.pub --log C:\tgsp\model.log"
Its account is the system's unless obj= names another: keys and trust of yours are
not its own, and nobody else reads what it mounts without --allow-other. Errors go to
the log, and to the event log when it fails.

It needs WinFsp 2.0 or newer: winget install WinFsp.WinFsp

` + winFspNotice

const mountExample = `  tgsp mount model.tgsp X:

  # exactly this release, as a folder
  tgsp mount --expect acme/chat@1.2.0 chat.tgsp C:\models\chat`

// mountedNotice is shown when a mount begins.
const mountedNotice = winFspNotice + "\n"
