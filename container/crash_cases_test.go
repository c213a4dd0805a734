// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"slices"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// crashModel is a package with everybody who has to do with it.
type crashModel struct {
	*fixture
	friend, late *tgspcrypto.Identity // one can open it, the other is to be added
	manager      *tgspcrypto.AuthorKey
	many         []*tgspcrypto.Recipient // make an envelope of many sectors
	large        *tgspcrypto.Recipient   // a post-quantum one
}

func newCrashModel(t *testing.T) *crashModel {
	m := &crashModel{friend: newIdentity(t, tgspcrypto.X25519), late: newIdentity(t, tgspcrypto.X25519), manager: tgspcrypto.GenerateAuthorKey()}
	for range 16 {
		m.many = append(m.many, newIdentity(t, tgspcrypto.X25519).Recipient())
	}
	m.large = newIdentity(t, tgspcrypto.MLKEM768X25519).Recipient()
	files := randomFiles(map[string]int{"config.json": 300, "model.bin": 2000})
	m.fixture = pack(t, files, func(o *PackOptions) { o.Recipients = append(o.Recipients, m.friend.Recipient()) })
	return m
}

func (m *crashModel) trust() *Trust {
	return &Trust{Keys: append(m.fixture.trust().Keys, TrustedKey{Key: m.manager.Public(), Role: RoleAuthor})}
}

func (m *crashModel) recipients() []*tgspcrypto.Recipient {
	return []*tgspcrypto.Recipient{m.identity.Recipient(), m.friend.Recipient()}
}

func (m *crashModel) renew(version string) func(*Change) error {
	return func(c *Change) error {
		return c.Renew(Renewal{Edit: func(x *Manifest) { x.Version = version }, Recipients: m.recipients()}, Facts{}, m.identities(), m.author)
	}
}

// changes are the changes that are cut off.
func (m *crashModel) changes() map[string]func(*Change) error {
	return map[string]func(*Change) error{
		"repair": func(*Change) error { return nil }, // what BeginChange does by itself
		"add": func(c *Change) error {
			_, err := c.AddRecipients([]*tgspcrypto.Recipient{m.late.Recipient()}, m.identities(), m.author)
			return err
		},
		"add large": func(c *Change) error {
			_, err := c.AddRecipients([]*tgspcrypto.Recipient{m.large, m.late.Recipient()}, m.identities(), m.author)
			return err
		},
		"add many": func(c *Change) error {
			_, err := c.AddRecipients(append(m.many, m.late.Recipient()), m.identities(), m.author)
			return err
		},
		"remove": func(c *Change) error {
			_, err := c.RemoveRecipients(func(r *Recipient) bool { return r.Matches(m.friend.Recipient()) }, m.author)
			return err
		},
		"sign":  func(c *Change) error { return c.AddSignature(m.manager) },
		"renew": m.renew("2.0.0"),
	}
}

// starts are the states in which a change finds the package.
func (m *crashModel) starts(t *testing.T) map[string][]byte {
	first := m.bytes(t)
	l := mustLayout(t, first)
	second, again := newSimDisk(first), newSimDisk(first)
	check(t, m.through(second, func(c *Change) error {
		_, err := c.AddRecipients(m.many[:1], m.identities(), m.author)
		return err
	}))
	check(t, m.through(again, m.renew("1.5.0")))
	slot := func(image []byte, i int) []byte { return image[l.slotOffset(i):l.slotOffset(i+1)] }
	with := func(image []byte, i int, content []byte) []byte {
		image = bytes.Clone(image)
		copy(slot(image, i), content)
		return image
	}
	f, err := NewFile(newSimDisk(first), int64(len(first)))
	check(t, err)
	doc := f.Claims().doc
	doc.Generation = 1<<64 - 1
	forged, err := doc.seal(tgspcrypto.GenerateAuthorKey(), l)
	check(t, err)
	planted, err := encodeSlot(forged, l.slotSize)
	check(t, err)
	return map[string][]byte{
		"generation 1 in A": first,
		"generation 2 in B": second.cache,
		"both in use":       with(first, 1, slot(second.cache, 1)),
		"older replayed":    with(again.cache, 0, slot(first, 0)),
		"new one torn":      with(first, 1, slot(second.cache, 1)[:sectorSize]),
		"old one torn":      with(second.cache, 0, slices.Concat(make([]byte, sectorSize), slot(first, 0)[sectorSize:])),
		"forged beside":     with(first, 1, planted),
	}
}

// begin is BeginChange on a simulated disk.
func (m *crashModel) begin(d *simDisk) (*Change, error) {
	c, err := acceptLocked(&readerSource{d, int64(len(d.cache))}, d, m.trust())
	if err != nil {
		return nil, err
	}
	if _, err := c.finish(); err != nil {
		return nil, err
	}
	return c, nil
}

// through makes a change on a simulated disk, as a command does.
func (m *crashModel) through(d *simDisk, change func(*Change) error) error {
	c, err := m.begin(d)
	if err != nil {
		return err
	}
	return change(c)
}
