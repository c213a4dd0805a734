// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
)

// checkMounts looks at what mounting takes.
func checkMounts() *doctorCheck {
	c := &doctorCheck{Name: "mounts", OK: true, Found: "packages can be mounted"}
	f, err := os.OpenFile(fuseDevice, os.O_RDWR, 0)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return c.failed(withHint(err, "%s", noFUSEHint()))
	case err != nil:
		return c.failed(withHint(err, "as root: chmod 0666 %s", fuseDevice))
	}
	f.Close() //nolint:errcheck,gosec // nothing was done with it
	if lacksPrograms() {
		return c.failed(withHint(errors.New("fusermount3 is missing, by which users mount"), "%s", noProgramsHint))
	}
	return c
}
