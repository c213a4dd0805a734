// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// A Change is a package whose envelope is being changed, under its lock. It was
// accepted as a reader would accept it, so that a trusted key never signs what
// somebody planted. Index, tree and payload are not touched.
type Change struct {
	Accepted
	slots slotWriter
	trust *Trust
	slot  int // that holds the present envelope

	locked  bool // others may wait for the lock
	changed bool
}

// BeginChange opens and locks a package for a change and accepts it. Where a
// change was cut off, it is ended first, as Repair does. It returns ErrBusy
// where another program holds the package and changes nothing. End must be called.
func BeginChange(name string, t *Trust) (*Change, error) {
	c, err := openLocked(name, t)
	if err != nil {
		return nil, err
	}
	if _, err := c.finish(); err != nil {
		return nil, errors.Join(err, c.End())
	}
	return c, nil
}

// End unlocks and closes the package. Whoever waits for the lock gets a moment in
// which to take it: a program that changes the package again and again would
// otherwise be first nearly every time.
func (c *Change) End() error {
	err := c.file.Close()
	if c.locked && c.changed {
		time.Sleep(2 * lockPause)
	}
	return err
}

// AddRecipients wraps the package's key for more recipients, with an identity
// that opens it. Recipients that are there already are left as they are. It
// returns how many were added. A package for a fleet takes none.
func (c *Change) AddRecipients(keys []*tgspcrypto.Recipient, identities []*tgspcrypto.Identity, signer *tgspcrypto.AuthorKey) (int, error) {
	if len(c.manifest.Policy.TargetFleet) > 0 && len(keys) > 0 {
		return 0, c.notOfFleet("the recipient " + keys[0].ShortID())
	}
	dek, err := c.dataKey(Facts{}, identities)
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

// notOfFleet says that the policy's fleet forbids what was asked for.
func (c *Change) notOfFleet(got string) error {
	return &PolicyError{ClauseTargetFleet, "recipients of fleet " + FleetID(c.manifest.Policy.TargetFleet).String() + " alone", got}
}

// MoveFleet encrypts a package for a fleet to another epoch of that fleet, in
// place of the one before, with keys of the fleet among the facts that open it
// now. It returns false where the package is for that epoch already, and refuses
// an older one.
func (c *Change) MoveFleet(to *FleetEpoch, facts Facts, signer *tgspcrypto.AuthorKey) (bool, error) {
	if err := c.checkRecipients(); err != nil {
		return false, err
	}
	if !bytes.Equal(c.manifest.Policy.TargetFleet, to.Fleet[:]) {
		if len(c.manifest.Policy.TargetFleet) == 0 {
			return false, &PolicyError{ClauseTargetFleet, "a policy that names fleet " + to.Fleet.String(), "one that names no fleet"}
		}
		return false, c.notOfFleet("epoch " + strconv.FormatUint(to.Epoch, 10) + " of fleet " + to.Fleet.String())
	}
	if c.epoch() == to.Epoch && len(c.recipients) == 1 {
		return false, nil
	}
	if err := c.checkForward(to); err != nil {
		return false, err
	}
	dek, err := c.dataKey(facts, nil)
	if err != nil {
		return false, err
	}
	defer clear(dek)
	doc := c.next()
	if err := doc.wrapTo(nil, to, dek); err != nil {
		return false, err
	}
	return true, c.write(doc, signer)
}

// epoch returns the fleet's epoch that the package is for.
func (c *Change) epoch() (present uint64) {
	for _, r := range c.recipients {
		present = max(present, r.Epoch)
	}
	return present
}

// checkForward refuses an older epoch of the package's fleet: it would open for
// agents that were revoked.
func (c *Change) checkForward(to *FleetEpoch) error {
	if present := c.epoch(); present > to.Epoch && bytes.Equal(c.manifest.Policy.TargetFleet, to.Fleet[:]) {
		return c.notOfFleet(fmt.Sprintf("epoch %d, and the package is for epoch %d already", to.Epoch, present))
	}
	return nil
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

// Renewal says what a package is to be from now on.
type Renewal struct {
	Edit       func(*Manifest) // changes what it likes but the contents and the author
	Recipients []*tgspcrypto.Recipient
	Fleet      *FleetEpoch // in place of Recipients: the policy names this fleet from now on
}

// Renew gives the same body a new manifest; only the author can. Signatures of
// others fall away, because they covered the old manifest, and the recipients are
// replaced: their entries are bound to it too. The package opens now by one of
// the identities or the fleets of the facts. An older epoch of its fleet is refused.
func (c *Change) Renew(r Renewal, facts Facts, identities []*tgspcrypto.Identity, author *tgspcrypto.AuthorKey) error {
	if author.Public().ID() != c.manifest.AuthorID {
		return &UntrustedError{RoleAuthor, c.manifest.PackageID, author.Public().String(), "only the author can renew a package, and this is another key"}
	}
	if err := c.checkRecipients(); err != nil {
		return err
	}
	if len(c.manifest.Policy.TargetFleet) > 0 && r.Fleet == nil {
		return c.notOfFleet("a renewal without a fleet file")
	}
	if r.Fleet != nil {
		if err := c.checkForward(r.Fleet); err != nil {
			return err
		}
	}
	dek, err := c.dataKey(facts, identities)
	if err != nil {
		return err
	}
	defer clear(dek)
	m := *c.manifest
	r.Edit(&m)
	m.AuthorID, m.ContentHash = c.manifest.AuthorID, c.manifest.ContentHash
	if r.Fleet != nil {
		m.Policy.TargetFleet = r.Fleet.Fleet[:]
	}
	doc := c.next()
	doc.Manifest = encode(&m)
	if _, err := parseManifest(doc.Manifest); err != nil {
		return err
	}
	if err := doc.wrapTo(r.Recipients, r.Fleet, dek); err != nil {
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
