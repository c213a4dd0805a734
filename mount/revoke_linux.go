// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"golang.org/x/sys/unix"
)

const (
	// notifiers is how many calls of the kernel go on at once. One that meets a
	// page under read waits for the reply; the others go on.
	notifiers = 16
	// notifyPatience is how long such calls may take before storage counts as
	// hanging, and once more after that.
	notifyPatience = 250 * time.Millisecond
)

// Revoke takes from the kernel what it keeps of this mount: the pages of files,
// mapped and locked ones too, listings, and names. Options.Allow must refuse
// already. Programs then get EACCES, or SIGBUS through a mapping. It must not be
// called by what serves requests, and returns how many files or folders may still
// have something cached, which is none but where storage hangs.
//
// Why nothing comes back behind it: a request that Allow has let pass began
// before, so the pages that it is to fill are in the cache already, locked until
// its reply is written. The kernel's invalidation waits for each locked page and
// then drops it. A request that comes later is refused and fills nothing. Readers
// with O_DIRECT have no pages.
func (s *Server) Revoke() (left int) {
	// The second time finds names that a lookup, let pass before, told after the
	// first walk.
	for range 2 {
		names := known(s.root, nil)
		contents := append([]cachedName{{node: s.root}}, names...)
		left := s.notify(contents, func(n cachedName) syscall.Errno { return n.node.NotifyContent(0, 0) })
		left += s.notify(names, func(n cachedName) syscall.Errno { return n.folder.NotifyEntry(n.name) })
		if left > 0 {
			return left
		}
	}
	return 0
}

// cachedName is a file or folder that the kernel knows, with its place.
type cachedName struct {
	folder *fs.Inode
	name   string
	node   *fs.Inode
}

// known lists what the kernel has looked up below a folder and not forgotten, the
// deepest first, so that no folder is dropped while its own names are.
func known(folder *fs.Inode, list []cachedName) []cachedName {
	for name, node := range folder.Children() {
		list = append(known(node, list), cachedName{folder, name, node})
	}
	return list
}

// notify tells the kernel of each name. Where storage hangs, so do the calls that
// wait for a page under read, and the processes that wait for the page: after a
// while the connection is aborted, which ends both. It returns how many calls
// have failed or still wait.
func (s *Server) notify(names []cachedName, call func(cachedName) syscall.Errno) int {
	var next, done atomic.Int64
	ended := make(chan struct{})
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(names)); i = next.Add(1) - 1 {
			// ENOENT: the kernel has forgotten it by itself.
			if errno := call(names[i]); errno == 0 || errno == syscall.ENOENT {
				done.Add(1)
			}
		}
	}
	var wait sync.WaitGroup
	for range min(notifiers, len(names)) {
		wait.Go(work)
	}
	go func() {
		defer close(ended)
		wait.Wait()
	}()
	if !endsSoon(ended) {
		if err := s.abort(); err != nil {
			s.log.Warn("storage does not answer, and reads that wait for it cannot be ended", slog.Any("reason", err))
		} else {
			s.log.Warn("storage does not answer: reads that wait for it were ended")
		}
		endsSoon(ended)
	}
	return len(names) - int(done.Load())
}

func endsSoon(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return true
	case <-time.After(notifyPatience):
		return false
	}
}

// abort lets the kernel answer every request of this mount with an error: as root
// while unmounting, else by the file that its owner may write to, where that file
// system is mounted.
func (s *Server) abort() (err error) {
	if os.Geteuid() == 0 && s.checkMounted() == nil {
		err = unix.Unmount(s.dir, unix.MNT_FORCE|unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	} else {
		err = os.WriteFile(fmt.Sprintf("/sys/fs/fuse/connections/%d/abort", s.minor), []byte("1"), 0)
	}
	if err == nil {
		close(s.aborted)
	}
	return err
}
