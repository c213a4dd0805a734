// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"

	"golang.org/x/sys/windows"
)

// lockedReader refuses some reads of what lies from an offset on, as Windows refuses
// those of what another program has locked.
type lockedReader struct {
	io.ReaderAt
	from     int64
	refusals int
}

func (r *lockedReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= r.from && r.refusals > 0 {
		r.refusals--
		return 0, &fs.PathError{Op: "read", Path: "x", Err: windows.ERROR_LOCK_VIOLATION}
	}
	return r.ReaderAt.ReadAt(p, off)
}

// TestReaderWaitsForLockedSlots has slots that a change has locked for a while.
func TestReaderWaitsForLockedSlots(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	r := &lockedReader{bytes.NewReader(data), preambleSize, 3}
	f, err := NewFile(r, int64(len(data)))
	check(t, err)
	defer f.Close() // only read
	if r.refusals != 0 {
		t.Errorf("%d refusals are left", r.refusals)
	}
	_, err = f.Accept(x.trust())
	check(t, err)
	if _, err := readSlots(&lockedReader{r, 0, 1}, f.layout); !errors.Is(err, errLocked) {
		t.Errorf("a read that a lock forbids: %v", err)
	}
}
