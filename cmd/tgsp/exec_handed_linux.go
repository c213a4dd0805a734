// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/mount"
)

// handed is what the process that serves a mount for exec gets from its parent:
// the device of a mount that was prepared; or, where no namespace tells it, a pipe
// that ends with the last program.
type handed struct {
	file         *os.File
	prepared     bool
	major, minor int
	program      int // else: number of the process that becomes the program
}

// handedFD is the number of the file in the process that serves.
const handedFD = 4

// arg is the flag that tells the process of it.
func (h *handed) arg() string {
	if !h.prepared {
		return fmt.Sprintf("--handed=%d", h.program)
	}
	return fmt.Sprintf("--handed=%d:%d", h.major, h.minor)
}

// parseHanded is the reverse of arg, without the flag's name.
func parseHanded(value string) (*handed, error) {
	h := &handed{file: os.NewFile(handedFD, "handed"), prepared: strings.Contains(value, ":")}
	unix.CloseOnExec(handedFD)
	var err error
	if h.prepared {
		_, err = fmt.Sscanf(value, "%d:%d", &h.major, &h.minor)
	} else {
		h.program, err = strconv.Atoi(value)
	}
	if err != nil {
		return nil, usagef("--handed=%s: %w", value, err)
	}
	return h, nil
}

// mount returns the mount that was prepared.
func (h *handed) mount(dir string) *mount.Prepared {
	return &mount.Prepared{Dir: dir, Device: h.file, Major: h.major, Minor: h.minor}
}
