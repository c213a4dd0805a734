// SPDX-License-Identifier: Apache-2.0

//go:build fuse3

package mount

import (
	"cmp"
	"syscall"
)

const (
	libraryName = "libfuse (libfuse3.so.3)"
	directFlag  = syscall.O_DIRECT
	ignoresCase = false
)

// libraryOptions are libfuse's (mount.fuse3(8)).
func libraryOptions(opts Options) []string {
	words := []string{"ro", "nosuid", "nodev", "default_permissions", "subtype=" + fsName, "fsname=" + cmp.Or(opts.FSName, fsName)}
	if opts.AllowOther {
		words = append(words, "allow_other")
	}
	if opts.NoExec {
		words = append(words, "noexec")
	}
	return listOptions(words...)
}

func shownMode(it *item) uint32 { return it.mode }

// forget does nothing: the library gives no way to the kernel's cache. Reads of what
// it holds ask for attributes first, which are refused; mapped pages stay.
func (*cgoFUSE) forget(string) bool { return false }

func newLink(place string, t *tree) (link, error) { return startLink(place, t, nil) }
