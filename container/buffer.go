// SPDX-License-Identifier: Apache-2.0

package container

import "unsafe"

// hugePage is the size of the pages that processors offer for large areas.
const hugePage = 2 << 20

// alignedBuffer returns n zero bytes, a megabyte or two, that start on a page.
// Where it can it has them in a huge page: reads past the page cache then pin
// and hand one page to the device instead of hundreds.
func alignedBuffer(n int) []byte {
	size := int(roundUp(int64(n), hugePage))
	b := make([]byte, size+hugePage)                                 // untouched, the surplus takes no memory
	start := uintptr(unsafe.Pointer(unsafe.SliceData(b))) % hugePage //nolint:gosec // an address is looked at, not used
	if start > 0 {
		b = b[hugePage-start:]
	}
	adviseHuge(b[:size])
	return b[:n:n]
}
