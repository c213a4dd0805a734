// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
)

// maxLinks bounds how many symbolic links a mountpoint may go through, as the
// kernel does.
const maxLinks = 40

// Resolve returns the absolute path without symbolic links by which the
// mount table knows a folder. The folder itself need not answer: that of a
// killed daemon does not, and that of another user may not.
func Resolve(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for range maxLinks {
		parent, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			// Nothing can be mounted below what does not exist: whoever
			// mounts or unmounts there says so better.
			return path, nil //nolint:nilerr // see above
		}
		path = filepath.Join(parent, filepath.Base(path))
		info, err := os.Lstat(path)
		if err != nil || info.Mode().Type() != iofs.ModeSymlink {
			return path, nil //nolint:nilerr // see the comment of the function
		}
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(parent, target)
		}
		path = filepath.Clean(target)
	}
	return "", fmt.Errorf("%s: too many symbolic links", dir)
}
