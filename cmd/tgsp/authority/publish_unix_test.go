// SPDX-License-Identifier: Apache-2.0

//go:build unix

package authority

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// A publication whose files' names may be gone after a loss of power is none.
func TestPublicationNeedsItsFolder(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	w, err := s.newEntryWriter(1)
	check(t, err)
	w.dir = filepath.Join(s.dir, "none")
	if err := w.commit(); !errors.Is(err, fs.ErrNotExist) || w.committed {
		t.Errorf("committed in a folder that cannot be synced: %v", err)
	}
	w.discard()
	if left, err := filepath.Glob(filepath.Join(s.dir, "*-1")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
