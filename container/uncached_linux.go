// SPDX-License-Identifier: Apache-2.0

package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropStep is after how many bytes their pages are given back.
const dropStep = 16 << 20

// uncachedFile reads a file from front to end and leaves it out of the system's page
// cache, if none of it was there before: what is packed is large, and other programs'
// files would have to go for it. Pages that are used again at once are faster, too.
// Systems that do not say what is cached (Linux before 6.5) keep it all.
type uncachedFile struct {
	file    *os.File
	off     int64
	drops   bool
	dropped int64 // everything before it is
}

func newUncachedFile(f *os.File) *uncachedFile {
	var cached unix.Cachestat_t
	err := unix.Cachestat(uint(f.Fd()), new(unix.CachestatRange), &cached, 0) // to the file's end
	return &uncachedFile{file: f, drops: err == nil && cached.Cache == 0}
}

func (u *uncachedFile) Read(p []byte) (int, error) {
	n, err := u.file.Read(p)
	if u.off += int64(n); u.off-u.dropped >= dropStep {
		u.drop(u.dropped, u.off-u.dropped)
		u.dropped = u.off
	}
	return n, err
}

// Close gives back what is left, such as pages at the ends of steps, and closes the
// file.
func (u *uncachedFile) Close() error {
	u.drop(0, 0)
	return u.file.Close()
}

// drop gives back the pages of n bytes, or of all to the end for 0.
func (u *uncachedFile) drop(off, n int64) {
	if u.drops {
		unix.Fadvise(int(u.file.Fd()), off, n, unix.FADV_DONTNEED) //nolint:errcheck,gosec // they stay then
	}
}
