// SPDX-License-Identifier: Apache-2.0

//go:build !unix && !windows

package container

import (
	"errors"
	"os"
)

// tryLock fails where the platform has no locks: packages can be read there,
// not changed.
func tryLock(*os.File, bool) error { return errors.ErrUnsupported }

func unlock(*os.File) error { return nil }
