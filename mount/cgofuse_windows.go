// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"strings"

	"github.com/winfsp/cgofuse/fuse"
)

const (
	libraryName = "WinFsp"
	directFlag  = 0 // what is read past the cache comes without a word of it
	ignoresCase = true
)

// maxLabel is the longest label of a volume, in characters.
const maxLabel = 32

// libraryOptions are WinFsp's. FileInfoTimeout=-1 alone lets the system cache data and
// read ahead; KeepFileCache is left out, so that it forgets a file when it is closed:
// what is open can be taken from it by name, and what is not could not.
func libraryOptions(opts Options) []string {
	words := []string{"FileInfoTimeout=-1", "FileSystemName=tgsp", "uid=-1", "gid=-1"}
	if label := volumeLabel(opts.Label); label != "" {
		words = append(words, "volname="+label)
	}
	return listOptions(words...)
}

// volumeLabel leaves out what a label cannot have.
func volumeLabel(text string) string {
	label := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`\/:*?"<>|,;=+[]`, r) {
			return '-'
		}
		return r
	}, text))
	return string(label[:min(len(label), maxLabel)])
}

// shownMode leaves out others where they are not allowed in, for which Windows has no
// option of a mount, and what makes files programs.
func shownMode(it *item) uint32 {
	mode := it.mode
	if opts := it.tree.opts; !opts.AllowOther {
		mode &^= 0o077
	}
	if it.tree.opts.NoExec && it.byName == nil {
		mode &^= 0o111
	}
	return mode
}

// forget makes the system purge what it keeps of an open file (FspFileSystemNotify).
func (l *cgoFUSE) forget(path string) bool { return l.host.Notify(path, fuse.NOTIFY_CHMOD) }
