// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"os"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// A Change is a package whose envelope is being changed, under its lock. It was
// accepted as a reader would accept it, so that a trusted key never signs what
// somebody planted. Index, tree and payload are not touched.
type Change struct {
	Accepted
	file  *os.File
	trust *Trust
	slot  int // that holds the present envelope
}

// BeginChange opens and locks a package for a change and accepts it. It returns
// ErrBusy where another program does not finish its own change, and an
// *UnfinishedError where one was cut off. End must be called.
func BeginChange(name string, t *Trust) (*Change, error) {
	c, err := beginLocked(name, t)
	if err != nil {
		return nil, err
	}
	accepted, err := c.Accepted.file.Accept(t)
	if err == nil {
		err = c.Accepted.file.Unfinished()
	}
	if err != nil {
		return nil, errors.Join(err, c.End())
	}
	c.Accepted = *accepted
	return c, nil
}

func beginLocked(name string, t *Trust) (*Change, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(f, true); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// Under the exclusive lock nobody changes it, so there is nothing to wait for.
	file, err := open(&lockedSource{diskSource: newDiskSource(f, info.Size())})
	if err != nil {
		return nil, err
	}
	slot, err := file.slots.choose(t)
	if slot < 0 {
		return nil, errors.Join(err, file.Close())
	}
	return &Change{Accepted: Accepted{file.slots[slot].envelope, file}, file: f, trust: t, slot: slot}, nil
}

// lockedSource is a package whose exclusive lock is held already.
type lockedSource struct{ *diskSource }

func (s *lockedSource) lockShared() (func() error, error) {
	return func() error { return nil }, nil
}

// End unlocks and closes the package.
func (c *Change) End() error { return c.Accepted.file.Close() }

// AddRecipients wraps the package's key for more recipients, with an identity
// that opens it. Recipients that are there already are left as they are. It
// returns how many were added.
func (c *Change) AddRecipients(keys []*tgspcrypto.Recipient, identities []*tgspcrypto.Identity, signer *tgspcrypto.AuthorKey) (int, error) {
	dek, err := c.changeKey(identities)
	if err != nil {
		return 0, err
	}
	defer clear(dek)
	doc, added := c.next(), 0
	present := c.recipients
	for _, key := range keys {
		if hasRecipient(present, key) {
			continue
		}
		r, err := wrapFor(key, dek, doc.Manifest)
		if err != nil {
			return 0, err
		}
		present = append(present[:len(present):len(present)], r)
		doc.Recipients = append(doc.Recipients[:len(doc.Recipients):len(doc.Recipients)], r.raw)
		added++
	}
	if added == 0 {
		return 0, nil
	}
	return added, c.write(doc, signer)
}

// changeKey returns the package's key, to wrap it for others. A package that
// names a fleet is not handed to anybody by its own key.
func (c *Change) changeKey(identities []*tgspcrypto.Identity) ([]byte, error) {
	if err := c.manifest.Policy.checkFleet(Facts{}); err != nil {
		return nil, err
	}
	return c.dataKey(identities)
}

func hasRecipient(list []*Recipient, key *tgspcrypto.Recipient) bool {
	for _, r := range list {
		if r.Matches(key) {
			return true
		}
	}
	return false
}

// RemoveRecipients removes the entries for which remove returns true. It does
// not take the key from those who have opened the package. It returns how many
// were removed, and refuses to remove the last.
func (c *Change) RemoveRecipients(remove func(*Recipient) bool, signer *tgspcrypto.AuthorKey) (int, error) {
	doc := c.next()
	doc.Recipients = nil
	for _, r := range c.recipients {
		if !remove(r) {
			doc.Recipients = append(doc.Recipients, r.raw)
		}
	}
	removed := len(c.recipients) - len(doc.Recipients)
	if removed == 0 {
		return 0, nil
	}
	if len(doc.Recipients) == 0 {
		return 0, errors.New("nobody could open the package any more: add another recipient first")
	}
	return removed, c.write(doc, signer)
}

// AddSignature adds a signature over the manifest, beside the author's. The
// caller has verified the whole package first.
func (c *Change) AddSignature(signer *tgspcrypto.AuthorKey) error {
	if c.signedBy(signer.Public()) {
		return fmt.Errorf("the package already carries a signature by %s", signer.Public())
	}
	if len(c.doc.Signatures) == maxSignatures {
		return fmt.Errorf("the package has %d signatures, and more are not allowed", maxSignatures)
	}
	doc := c.next()
	doc.Signatures = append(doc.Signatures[:len(doc.Signatures):len(doc.Signatures)], encode(newSignature(signer, ManifestType, doc.Manifest)))
	return c.write(doc, signer)
}

// Renew gives the same body a new manifest, which edit changes; only the author
// can. Signatures of others fall away, because they covered the old manifest,
// and the recipients are replaced: their entries are bound to it too.
func (c *Change) Renew(edit func(*Manifest), keys []*tgspcrypto.Recipient, identities []*tgspcrypto.Identity, author *tgspcrypto.AuthorKey) error {
	if author.Public().ID() != c.manifest.AuthorID {
		return &UntrustedError{RoleAuthor, c.manifest.PackageID, author.Public().String(), "only the author can renew a package, and this is another key"}
	}
	dek, err := c.changeKey(identities)
	if err != nil {
		return err
	}
	defer clear(dek)
	m := *c.manifest
	edit(&m)
	m.AuthorID, m.ContentHash = c.manifest.AuthorID, c.manifest.ContentHash
	doc := c.next()
	doc.Manifest = encode(&m)
	if _, err := parseManifest(doc.Manifest); err != nil {
		return err
	}
	if err := doc.wrapAll(keys, dek); err != nil {
		return err
	}
	doc.Signatures = nil
	doc.sign(author)
	return c.write(doc, author)
}

// next returns the present envelope, one generation on.
func (c *Change) next() *envelopeDoc {
	doc := c.doc
	doc.Generation++
	doc.EnvelopeSignature = nil
	return &doc
}

// write signs the new envelope, makes sure that readers with the caller's trust
// will accept it, writes it into the free slot and then frees the old one. Cut
// off anywhere, one of the two slots holds a whole envelope.
func (c *Change) write(doc *envelopeDoc, signer *tgspcrypto.AuthorKey) error {
	if doc.Generation == 0 { // wrapped around: somebody trusted has counted to the end
		return malformed("envelope.generation", "no further change can be counted; pack the model again")
	}
	l := c.Accepted.file.layout
	envelope, err := doc.seal(signer, l)
	if err != nil {
		return err
	}
	if err := c.trust.check(envelope); err != nil {
		return fmt.Errorf("readers would refuse the changed package: %w", err)
	}
	data, err := encodeSlot(envelope, l.slotSize)
	if err != nil {
		return err
	}
	if err := c.put(data, 1-c.slot); err != nil {
		return err
	}
	if err := c.put(make([]byte, l.slotSize), c.slot); err != nil {
		return err
	}
	c.slot = 1 - c.slot
	c.Envelope = envelope
	return nil
}

// put writes one slot and makes it durable before anything else happens.
func (c *Change) put(data []byte, slot int) error {
	if _, err := c.file.WriteAt(data, c.Accepted.file.layout.slotOffset(slot)); err != nil {
		return err
	}
	return c.file.Sync()
}

// Repair ends a change that was cut off: it keeps the slot that a reader would
// take and frees the other. The slot that it keeps must be trusted. It returns
// false where there was nothing to repair.
func Repair(name string, t *Trust) (bool, error) {
	c, err := beginLocked(name, t)
	if err != nil {
		return false, err
	}
	defer c.End() //nolint:errcheck // what was written is synced already
	if _, err := c.Accepted.file.Accept(t); err != nil {
		return false, err
	}
	if c.Accepted.file.Unfinished() == nil {
		return false, nil
	}
	return true, c.put(make([]byte, c.Accepted.file.layout.slotSize), 1-c.slot)
}
