// SPDX-License-Identifier: Apache-2.0

//go:build windows || (darwin && cgo) || (linux && fuse3)

package mount

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"

	"github.com/winfsp/cgofuse/fuse"
)

// cgoFUSE is a mount through the cgofuse library: WinFsp on Windows, macFUSE on
// macOS, and libfuse on Linux, where it is tested.
type cgoFUSE struct {
	host   *fuse.FileSystemHost
	hosted *hosted
	leave  func() error  // makes the place as it was before; nil where there is nothing to do
	ended  chan struct{} // closed after that, and after the errors are set
	err    error         // why it was not mounted
	left   error         // of leave
}

var (
	errNoLibrary = errors.New("the system lacks " + libraryName)
	errNoMount   = errors.New(libraryName + " has not mounted it")
)

// startLink returns when requests are answered.
func startLink(place string, t *tree, leave func() error) (*cgoFUSE, error) {
	h := newHosted(t)
	l := &cgoFUSE{host: fuse.NewFileSystemHost(h), hosted: h, leave: leave, ended: make(chan struct{})}
	l.host.SetCapCaseInsensitive(h.names != nil)
	l.host.SetCapReaddirPlus(true)
	l.host.SetCapDeleteAccess(true)
	l.host.SetUseIno(true)
	go l.run(place, libraryOptions(t.opts))
	select {
	case <-h.begun:
		return l, nil
	case <-l.ended:
		return nil, l.failure()
	}
}

// failure is why a mount has ended before it could be seen.
func (l *cgoFUSE) failure() error { return errors.Join(cmp.Or(l.err, errNoMount), l.left) }

// run serves until the mount has ended, whoever has ended it.
func (l *cgoFUSE) run(place string, options []string) {
	defer close(l.ended)
	defer func() {
		if l.leave == nil {
			return
		}
		if l.left = l.leave(); l.left != nil {
			l.hosted.tree.opts.Logger.Error("the place is not as it was before", slog.Any("error", l.left))
		}
	}()
	defer func() {
		// The library panics where it is only the binding to another one that is not there.
		if reason := recover(); reason != nil {
			l.err = fmt.Errorf("%w (%v)", errNoLibrary, reason)
		}
	}()
	if !l.host.Mount(place, options) {
		l.err = errNoMount
	}
}

func (l *cgoFUSE) wait() { <-l.ended }

// drops are those for files that programs have opened, and folders that they have
// listed, in which names stand.
func (l *cgoFUSE) drops(int64) (contents, names []drop) {
	for it := range l.hosted.asked() {
		forget := func() bool { return l.forget(shownPath(it)) }
		if it.byName == nil {
			contents = append(contents, forget)
		} else {
			names = append(names, forget)
		}
	}
	return contents, names
}

// listOptions returns options as the library wants them on a command line.
func listOptions(words ...string) []string {
	var options []string
	for _, word := range words {
		options = append(options, "-o", escapeOption(word))
	}
	return options
}

// escapeOption keeps the library from splitting a value.
func escapeOption(word string) string {
	var escaped []byte
	for i := range len(word) {
		if word[i] == ',' || word[i] == '\\' {
			escaped = append(escaped, '\\')
		}
		escaped = append(escaped, word[i])
	}
	return string(escaped)
}
