// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"log/slog"
	"sync"
	"sync/atomic"
)

// Server is a mount that this process serves.
type Server struct {
	kernelMount
	link link
	tree *tree
	dir  string
	log  *slog.Logger

	idle      atomic.Bool   // it ends, or has ended, because nothing has used it
	aborted   chan struct{} // closed when the kernel asks for nothing any more
	abortOnce sync.Once
}

// link is what the library does through which the kernel asks.
type link interface {
	// wait returns when the mount has ended.
	wait()
	// drops are the calls that make the kernel forget the contents of files, each in
	// so many pieces at most, and the names that it knows.
	drops(pieces int64) (contents, names []drop)
}

// drop is one call that makes the kernel forget something. It reports whether it has.
type drop func() bool

func newServer(l link, t *tree, dir string) *Server {
	return &Server{link: l, tree: t, dir: dir, log: t.opts.Logger, aborted: make(chan struct{})}
}

// complete gives what is not set its default.
func (o *Options) complete() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.ReadAhead == 0 {
		o.ReadAhead = DefaultReadAhead
	}
}

// Dir returns the mountpoint.
func (s *Server) Dir() string { return s.dir }

// Wait returns when the mount has ended and no program uses it any more. Reads
// that wait for storage are waited for, unless Revoke had to end them.
func (s *Server) Wait() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.link.wait()
		s.tree.ahead.Load().stop()
	}()
	select {
	case <-ended:
	case <-s.aborted:
	}
}
