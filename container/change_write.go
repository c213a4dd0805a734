// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"io"
	"os"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// slotWriter is what a change writes the slots through: the package's file.
type slotWriter interface {
	io.WriterAt
	Sync() error
}

// Repair ends a change that was cut off: it keeps the slot that a reader would
// take and frees the other. The slot that it keeps must be trusted. It returns
// false where there was nothing to repair.
func Repair(name string, t *Trust) (bool, error) {
	c, err := openLocked(name, t)
	if err != nil {
		return false, err
	}
	defer c.End() //nolint:errcheck // what was written is synced already
	return c.finish()
}

// openLocked opens a package under the exclusive lock and accepts it.
func openLocked(name string, t *Trust) (*Change, error) {
	f, err := sysfile.OpenForChange(name)
	if err != nil {
		return nil, err
	}
	if err := lockExclusive(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	c, err := acceptLocked(&lockedSource{newDiskSource(f, info.Size())}, f, t)
	if err == nil {
		c.locked = true
	}
	return c, err
}

// lockedSource is a package whose exclusive lock is held already. Nobody changes
// it, so there is nothing to wait for.
type lockedSource struct{ *diskSource }

func (s *lockedSource) tryLockShared() (func() error, error) {
	return func() error { return nil }, nil
}

// acceptLocked accepts the package in src, which is written through w, as a
// reader would accept it.
func acceptLocked(src source, w slotWriter, t *Trust) (*Change, error) {
	file, err := open(src)
	if err != nil {
		return nil, err
	}
	slot, err := file.slots.choose(t)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Change{Accepted: Accepted{file.slots[slot].envelope, file}, slots: w, trust: t, slot: slot}, nil
}

// finish ends a change that was cut off: what was accepted stays, and the other
// slot is freed, whatever it holds. It returns false where nothing was cut off.
func (c *Change) finish() (bool, error) {
	f := c.file
	if f.Unfinished() == nil {
		return false, nil
	}
	release, err := c.holdSlots()
	if err != nil {
		return false, err
	}
	defer release()
	if f.slots[1-c.slot].envelope != nil {
		// The accepted envelope may be in memory alone, and the other on disk. It
		// is written again because a sync that failed once reports success later.
		if err := c.putEnvelope(c.Envelope, c.slot); err != nil {
			return false, err
		}
	}
	return true, c.free(1 - c.slot)
}

// write signs the new envelope, makes sure that readers with the caller's trust
// will accept it, writes it into the free slot and then frees the old one. Cut
// off anywhere, one of the two slots holds a whole envelope.
func (c *Change) write(doc *envelopeDoc, signer *tgspcrypto.AuthorKey) error {
	if doc.Generation == 0 { // wrapped around: somebody trusted has counted to the end
		return malformed("envelope.generation", "no further change can be counted; pack the model again")
	}
	envelope, err := doc.seal(signer, c.file.layout)
	if err != nil {
		return err
	}
	if err := c.trust.check(envelope); err != nil {
		return fmt.Errorf("readers would refuse the changed package: %w", err)
	}
	release, err := c.holdSlots()
	if err != nil {
		return err
	}
	defer release()
	if err := c.putEnvelope(envelope, 1-c.slot); err != nil {
		return err
	}
	// From here on this is the present envelope, even where the old one stays.
	c.slot, c.Envelope, c.changed = 1-c.slot, envelope, true
	return c.free(1 - c.slot)
}

// holdSlots keeps other programs' locks off the slots until it is released.
func (c *Change) holdSlots() (release func(), err error) {
	f, ok := c.slots.(*os.File)
	if !ok {
		return func() {}, nil // no file that others could lock
	}
	return lockForWriting(f, c.file.layout.slotOffset(0), 2*c.file.layout.slotSize)
}

func (c *Change) putEnvelope(e *Envelope, slot int) error {
	data, err := encodeSlot(e, c.file.layout.slotSize)
	if err != nil {
		return err
	}
	return c.put(data, slot)
}

// free fills a slot with zeros.
func (c *Change) free(slot int) error {
	return c.put(make([]byte, c.file.layout.slotSize), slot)
}

// put writes one slot and makes it durable before anything else happens.
func (c *Change) put(data []byte, slot int) error {
	if _, err := c.slots.WriteAt(data, c.file.layout.slotOffset(slot)); err != nil {
		return err
	}
	return c.slots.Sync()
}
