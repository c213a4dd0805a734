// SPDX-License-Identifier: Apache-2.0

//go:build windows || (darwin && cgo) || (linux && fuse3)

package mount

import "github.com/winfsp/cgofuse/fuse"

// readOnly refuses all that would change something. Where the system knows that a
// mount is read-only it does not ask; WinFsp cannot be told so through this library.
type readOnly struct{ fuse.FileSystemBase }

func (readOnly) Mknod(string, uint32, uint64) int         { return -fuse.EROFS }
func (readOnly) Mkdir(string, uint32) int                 { return -fuse.EROFS }
func (readOnly) Unlink(string) int                        { return -fuse.EROFS }
func (readOnly) Rmdir(string) int                         { return -fuse.EROFS }
func (readOnly) Link(string, string) int                  { return -fuse.EROFS }
func (readOnly) Symlink(string, string) int               { return -fuse.EROFS }
func (readOnly) Rename(string, string) int                { return -fuse.EROFS }
func (readOnly) Chmod(string, uint32) int                 { return -fuse.EROFS }
func (readOnly) Chown(string, uint32, uint32) int         { return -fuse.EROFS }
func (readOnly) Chflags(string, uint32) int               { return -fuse.EROFS }
func (readOnly) Setcrtime(string, fuse.Timespec) int      { return -fuse.EROFS }
func (readOnly) Setchgtime(string, fuse.Timespec) int     { return -fuse.EROFS }
func (readOnly) Utimens(string, []fuse.Timespec) int      { return -fuse.EROFS }
func (readOnly) Truncate(string, int64, uint64) int       { return -fuse.EROFS }
func (readOnly) Write(string, []byte, int64, uint64) int  { return -fuse.EROFS }
func (readOnly) Setxattr(string, string, []byte, int) int { return -fuse.EROFS }
func (readOnly) Removexattr(string, string) int           { return -fuse.EROFS }

func (readOnly) Create(string, int, uint32) (int, uint64) { return -fuse.EROFS, 0 }

func (readOnly) CreateEx(string, uint32, *fuse.FileInfo_t) int { return -fuse.EROFS }

// Access is asked before something is deleted, too.
func (readOnly) Access(_ string, mask uint32) int {
	const write = 2 // W_OK in unistd.h
	if mask&(fuse.DELETE_OK|write) != 0 {
		return -fuse.EROFS
	}
	return 0
}
