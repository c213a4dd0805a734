// SPDX-License-Identifier: Apache-2.0

//go:build unix

package audit

import "golang.org/x/sys/unix"

// noFollow refuses a link in place of the file, and does not wait where there is
// a named pipe.
const noFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK
