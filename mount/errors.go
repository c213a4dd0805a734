// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	"strings"
)

// Reason tells kinds of failure apart, so that a hint can name the next step.
type Reason int

// The reasons why a mount, or its end, fails.
const (
	Other          Reason = iota
	NotFound              // the mountpoint does not exist
	NotDirectory          // it is no folder
	NotEmpty              // it holds something, which would be hidden
	AlreadyMounted        // something is mounted there
	Inside                // it lies in another mount of this program
	HoldsSource           // it holds the file that is to be shown
	NoFUSE                // the system cannot do it, or lacks a part
	NotAllowed            // this user may not
	Busy                  // a program uses it
	NotMounted            // there is no mount of this program
)

// An Error says why a mountpoint could not be used.
type Error struct {
	Op     string // "mount" or "unmount"
	Dir    string
	Reason Reason
	Err    error
}

func (e *Error) Error() string {
	// A drive ends in a colon already.
	return fmt.Sprintf("%s %s: %v", e.Op, strings.TrimSuffix(e.Dir, ":"), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
