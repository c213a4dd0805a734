// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"os"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestRefusedChanges asks for changes that cannot be made. The package stays as
// it was.
func TestRefusedChanges(t *testing.T) {
	x := takeApart(t)
	for range maxSignatures - 1 {
		x.doc.Signatures = append(x.doc.Signatures, entry(map[string]any{"algorithm": "ML-DSA-65"}))
	}
	x.resign(x.author)
	check(t, os.WriteFile(x.name, x.data, 0o600))
	before := x.bytes(t)
	other := newIdentity(t, tgspcrypto.X25519)
	large := make([]*tgspcrypto.Recipient, 60)
	for i := range large {
		large[i] = newIdentity(t, tgspcrypto.MLKEM768X25519).Recipient()
	}
	for what, do := range map[string]func(c *Change) error{
		"a 17th signature": func(c *Change) error { return c.AddSignature(tgspcrypto.GenerateAuthorKey()) },
		"somebody else's key": func(c *Change) error {
			_, err := c.AddRecipients(large[:1], []*tgspcrypto.Identity{other}, x.author)
			return err
		},
		"more than fit": func(c *Change) error { _, err := c.AddRecipients(large, x.identities(), x.author); return err },
		"an impossible version": func(c *Change) error {
			return c.Renew(Renewal{Edit: func(m *Manifest) { m.Version = "1" }, Recipients: x.recipients()}, Facts{}, x.identities(), x.author)
		},
		"renewed without the key": func(c *Change) error {
			return c.Renew(Renewal{Edit: func(*Manifest) {}, Recipients: x.recipients()}, Facts{}, nil, x.author)
		},
		"a stranger's signature": func(c *Change) error {
			_, err := c.AddRecipients(large[:1], x.identities(), tgspcrypto.GenerateAuthorKey())
			return err
		},
	} {
		c, err := BeginChange(x.name, x.trust())
		check(t, err)
		if err := do(c); err == nil {
			t.Errorf("%s: done", what)
		}
		check(t, c.End())
		if !bytes.Equal(before, x.bytes(t)) {
			t.Fatalf("%s: refused, and the package was changed", what)
		}
	}
}

// TestCanOpen asks who can open a package whose window is over.
func TestCanOpen(t *testing.T) {
	x := pack(t, smallModel(), func(o *PackOptions) { o.Policy.NotAfter = 1 })
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close() // only read
	a, err := f.Accept(x.trust())
	check(t, err)
	other := newIdentity(t, tgspcrypto.X25519)
	if !a.CanOpen(Facts{}, x.identities()) || !a.CanOpen(Facts{}, []*tgspcrypto.Identity{other, x.identity}) || a.CanOpen(Facts{}, []*tgspcrypto.Identity{other}) || a.CanOpen(Facts{}, nil) {
		t.Error("it opens for the wrong keys")
	}
	if _, err := a.Open(Facts{Now: created}, x.identities()); !errors.As(err, new(*PolicyError)) {
		t.Errorf("opened after its window: %v", err)
	}
}
