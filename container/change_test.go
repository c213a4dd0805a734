// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"os"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func (x *fixture) change(t *testing.T, do func(*Change)) {
	t.Helper()
	c, err := BeginChange(x.name, x.trust())
	check(t, err)
	do(c)
	check(t, c.End())
}

func TestAddAndRemoveRecipients(t *testing.T) {
	x := pack(t, smallModel(), nil)
	before := x.bytes(t)
	other := newIdentity(t, tgspcrypto.MLKEM768X25519)
	x.change(t, func(c *Change) {
		n, err := c.AddRecipients([]*tgspcrypto.Recipient{other.Recipient(), x.identity.Recipient()}, x.identities(), x.author)
		if err != nil || n != 1 {
			t.Fatalf("added %d, %v", n, err)
		}
	})
	check(t, x.verifyAs(x.trust(), []*tgspcrypto.Identity{other}))
	x.change(t, func(c *Change) {
		n, err := c.RemoveRecipients(func(r *Recipient) bool { return r.Matches(x.identity.Recipient()) }, x.author)
		if err != nil || n != 1 {
			t.Fatalf("removed %d, %v", n, err)
		}
		if c.Generation() != 3 {
			t.Errorf("generation %d", c.Generation())
		}
	})
	if err := x.verify(); !errors.As(err, new(*NoKeyError)) {
		t.Errorf("the removed recipient: %v", err)
	}
	check(t, x.verifyAs(x.trust(), []*tgspcrypto.Identity{other}))
	x.change(t, func(c *Change) {
		if _, err := c.RemoveRecipients(func(*Recipient) bool { return true }, x.author); err == nil {
			t.Error("the last recipient was removed")
		}
	})
	l := mustLayout(t, before)
	if after := x.bytes(t); !bytes.Equal(before[l.indexOffset():], after[l.indexOffset():]) {
		t.Error("the body was changed")
	}
}

func TestSignBesideTheAuthor(t *testing.T) {
	x := pack(t, smallModel(), nil)
	manager := tgspcrypto.GenerateAuthorKey()
	both := &Trust{Keys: append(x.trust().Keys, TrustedKey{Key: manager.Public(), Role: RoleAuthor})}
	c, err := BeginChange(x.name, both)
	check(t, err)
	check(t, c.AddSignature(manager))
	if err := c.AddSignature(manager); err == nil {
		t.Error("signed twice by one key")
	}
	check(t, c.End())
	managerOnly := &Trust{Keys: both.Keys[1:], Require: []tgspcrypto.AuthorPublicKey{manager.Public()}}
	check(t, x.verifyAs(managerOnly, x.identities()))
	authorOnly := x.trust()
	if err := x.verifyAs(authorOnly, nil); !errors.As(err, new(*UntrustedError)) {
		t.Errorf("who does not trust the envelope's signer: %v", err)
	}
}

func TestRenew(t *testing.T) {
	x := pack(t, smallModel(), func(o *PackOptions) { o.Policy.NotAfter = uint64(created.Unix()) + 10 })
	x.change(t, func(c *Change) {
		edit := func(m *Manifest) { m.Policy.NotAfter += 1000; m.Version = "1.2.4" }
		check(t, c.Renew(Renewal{Edit: edit, Recipients: x.recipients()}, Facts{}, x.identities(), x.author))
		if c.Manifest().Version != "1.2.4" {
			t.Error("the version did not change")
		}
		stranger := tgspcrypto.GenerateAuthorKey()
		if err := c.Renew(Renewal{Edit: edit}, Facts{}, x.identities(), stranger); !errors.As(err, new(*UntrustedError)) {
			t.Errorf("renewed by somebody else: %v", err)
		}
	})
	check(t, x.verify())
}

// A trusted key never signs what somebody else planted.
func TestPlantedEnvelopeIsNotChanged(t *testing.T) {
	x := pack(t, smallModel(), nil)
	stranger := tgspcrypto.GenerateAuthorKey()
	planted := newIdentity(t, tgspcrypto.X25519)
	both := &Trust{Keys: append(x.trust().Keys, TrustedKey{Key: stranger.Public(), Role: RoleEnvelope})}
	c, err := BeginChange(x.name, both)
	check(t, err)
	_, err = c.AddRecipients([]*tgspcrypto.Recipient{planted.Recipient()}, x.identities(), stranger)
	check(t, err)
	check(t, c.End())
	before := x.bytes(t)
	if _, err := BeginChange(x.name, x.trust()); !errors.As(err, new(*UntrustedError)) {
		t.Errorf("a planted envelope is about to be signed: %v", err)
	}
	if !bytes.Equal(before, x.bytes(t)) {
		t.Error("the refused package was changed")
	}
}

func TestUnfinishedChange(t *testing.T) {
	x := pack(t, smallModel(), nil)
	whole := x.bytes(t)
	l := mustLayout(t, whole)
	slotA := whole[l.slotOffset(0):l.slotOffset(1)]
	for name, b := range map[string][]byte{
		"both slots the same": slotA,
		"torn":                append(bytes.Clone(slotA[:700]), make([]byte, len(slotA)-700)...),
		"one stray byte":      append(make([]byte, len(slotA)-1), 1),
	} {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(whole)
			copy(data[l.slotOffset(1):], b)
			check(t, os.WriteFile(x.name, data, 0o644))
			if err := x.verify(); !errors.As(err, new(*UnfinishedError)) {
				t.Errorf("verify: %v", err)
			}
			demanding := x.trust()
			demanding.Require = []tgspcrypto.AuthorPublicKey{tgspcrypto.GenerateAuthorKey().Public()}
			if err := x.verifyAs(demanding, nil); !errors.As(err, new(*SignatureError)) {
				t.Errorf("verify, with a signature that is missing too: %v", err)
			}
			r, err := x.open(data)
			check(t, err)
			x.checkContents(t, r)
			repaired, err := Repair(x.name, x.trust())
			if err != nil || !repaired {
				t.Fatalf("repair: %v, %v", repaired, err)
			}
			check(t, x.verify())
			if again, err := Repair(x.name, x.trust()); again || err != nil {
				t.Errorf("repair of a whole package: %v, %v", again, err)
			}
			check(t, os.WriteFile(x.name, data, 0o644))
			x.change(t, func(c *Change) {
				if c.Generation() != 1 {
					t.Errorf("generation %d goes on", c.Generation())
				}
			})
			if !bytes.Equal(whole, x.bytes(t)) {
				t.Error("a change does not end the one that was cut off")
			}
		})
	}
}

// A forged envelope of the highest generation does not push out the author's,
// and nothing of it is signed.
func TestForgedSlotLosesToTrusted(t *testing.T) {
	x := pack(t, smallModel(), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	f, err := OpenFile(x.name)
	check(t, err)
	forger := tgspcrypto.GenerateAuthorKey()
	doc := f.Claims().doc
	doc.Generation = 1<<64 - 1
	doc.Recipients = append(doc.Recipients, entry(map[string]any{"type": "PLANTED"}))
	forged, err := doc.seal(forger, l)
	check(t, err)
	check(t, f.Close())
	slot, err := encodeSlot(forged, l.slotSize)
	check(t, err)
	whole := bytes.Clone(data)
	copy(data[l.slotOffset(1):], slot)
	check(t, os.WriteFile(x.name, data, 0o644))
	r, err := x.open(data)
	check(t, err)
	if r.Envelope().Generation() != 1 {
		t.Error("the forged envelope was taken")
	}
	repaired, err := Repair(x.name, x.trust())
	if err != nil || !repaired || !bytes.Equal(whole, x.bytes(t)) {
		t.Fatal(repaired, err)
	}
	check(t, os.WriteFile(x.name, data, 0o644))
	x.change(t, func(c *Change) {
		_, err := c.AddRecipients([]*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()}, x.identities(), x.author)
		check(t, err)
		if c.Generation() != 2 || len(c.Recipients()) != 2 || c.Recipients()[1].Type != string(tgspcrypto.X25519) {
			t.Errorf("generation %d with %v was signed", c.Generation(), c.Recipients())
		}
	})
	check(t, x.verify())
}

// An older envelope of the author's, replayed beside the present one, is
// neither taken nor signed again.
func TestReplayedSlotLosesToNewer(t *testing.T) {
	x := pack(t, smallModel(), nil)
	old := x.bytes(t)
	l := mustLayout(t, old)
	x.change(t, func(c *Change) {
		edit := func(m *Manifest) { m.Version = "2.0.0" }
		check(t, c.Renew(Renewal{Edit: edit, Recipients: x.recipients()}, Facts{}, x.identities(), x.author))
	})
	whole := x.bytes(t)
	data := bytes.Clone(whole)
	copy(data[l.slotOffset(0):], old[l.slotOffset(0):l.slotOffset(1)])
	check(t, os.WriteFile(x.name, data, 0o644))
	x.change(t, func(c *Change) {
		if c.Generation() != 2 || c.Manifest().Version != "2.0.0" {
			t.Errorf("generation %d of version %s is changed", c.Generation(), c.Manifest().Version)
		}
	})
	if !bytes.Equal(whole, x.bytes(t)) {
		t.Error("the replayed envelope was not dropped")
	}
}

func TestBusy(t *testing.T) {
	x := pack(t, smallModel(), nil)
	c, err := BeginChange(x.name, x.trust())
	check(t, err)
	defer c.End() //nolint:errcheck // nothing was changed
	other, err := os.Open(x.name)
	check(t, err)
	defer other.Close() // only read
	if err := tryLock(other, false); !errors.Is(err, errLocked) {
		t.Errorf("a reader gets the lock during a change: %v", err)
	}
	// Readers of an unchanged package need no lock.
	check(t, x.verify())
}
