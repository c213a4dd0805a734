// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// directAlign suits all block devices in use; smaller ones accept it too.
const directAlign = pageSize

// openDirect opens the same file once more for direct I/O, or returns nil.
func openDirect(f *os.File) *os.File {
	// By the descriptor, not by name: the name may be another file by now.
	name := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECT|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), f.Name())
}

// adviseHuge asks for huge pages; without them everything works too.
func adviseHuge(b []byte) {
	unix.Madvise(b, unix.MADV_HUGEPAGE) //nolint:errcheck,gosec // see above
}

// aligned reports whether a read can go past the cache.
func aligned(p []byte, off int64) bool {
	return len(p) > 0 && off%directAlign == 0 && len(p)%directAlign == 0 &&
		uintptr(unsafe.Pointer(unsafe.SliceData(p)))%directAlign == 0 //nolint:gosec // an address is looked at, not used
}
