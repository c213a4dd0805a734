// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"log/slog"
	"time"
)

// DefaultReadAhead is the read-ahead in bytes that a mount asks for.
const DefaultReadAhead = 8 << 20

// Options says how a file system is shown.
type Options struct {
	FSName     string // source in the table of mounts, such as the package's path
	Source     string // absolute path of the file behind the mount; it must not lie in the mountpoint
	Label      string // of the volume, where a system shows one: Windows and macOS
	AllowOther bool   // let other users in; for users, /etc/fuse.conf must allow it
	NoExec     bool   // no program in it can be started
	ReadAhead  int    // bytes; 0 for DefaultReadAhead, negative to leave it as it is
	UID, GID   uint32 // owner of everything

	// Memory is how many bytes requests that are under way, and what is decrypted
	// ahead, may take together; 0 for as many as are fast. It bounds what the kernel
	// asks for ahead of programs: each thread that waits for a read of its own adds
	// a request to that.
	Memory int64

	// Allow is asked whenever the kernel asks for names or contents. An error of
	// its refuses that with EACCES; it is not logged, and nobody is told of it.
	// It must be quick. nil allows everything.
	Allow func() error

	// Logger receives what goes wrong while serving; nil for nothing.
	Logger *slog.Logger
	// OnReadError is told of every read that failed; nil for nobody.
	OnReadError func(path string, off int64, err error)
	// OnRead is told of every read that was answered, with how many bytes and how
	// long after it was asked; nil for nobody. It must be quick.
	OnRead func(bytes int, took time.Duration)
	// OnStore is told of bytes that went into the kernel's cache before anybody has
	// asked for them; nil for nobody. It must be quick.
	OnStore func(bytes int)
}

// Info is one mount of this program's type in the table of mounts.
type Info struct {
	Dir    string // mountpoint
	Source string // Options.FSName
	ID     int    // of the mount, in the table
}
