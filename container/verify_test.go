// SPDX-License-Identifier: Apache-2.0

package container

import (
	"os"
	"testing"
)

// TestReportOfWhatWasChecked verifies payloads at the edges of batches, and reads what Verify
// says of them, with and without a key.
func TestReportOfWhatWasChecked(t *testing.T) {
	for size, leaves := range map[int]int64{0: 1, leafPlaintext - 1: 1, leafPlaintext: 2, batchPlaintext - 1: batchLeaves, batchPlaintext: batchLeaves + 1, 2*batchPlaintext - 1: 2 * batchLeaves} {
		x := pack(t, randomFiles(map[string]int{"w": size}), nil)
		info, err := os.Stat(x.name)
		check(t, err)
		f, err := OpenFile(x.name)
		check(t, err)
		r, err := f.Verify(t.Context(), VerifyOptions{Trust: x.trust(), Identities: x.identities()})
		if err != nil || !r.ContentsChecked || r.Files != 1 || r.FileBytes != int64(size) || r.Leaves != leaves || r.Size != info.Size() || f.Size() != info.Size() {
			t.Errorf("%d bytes, with a key: %+v, %v", size, r, err)
		}
		r, err = f.Verify(t.Context(), VerifyOptions{Trust: x.trust()})
		if err != nil || r.ContentsChecked || r.Files != 0 || r.FileBytes != 0 || r.Leaves != leaves {
			t.Errorf("%d bytes, without a key: %+v, %v", size, r, err)
		}
		check(t, f.Close())
	}
}
