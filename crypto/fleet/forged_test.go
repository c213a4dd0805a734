// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// typed reports whether an error is of one of this package's types.
func typed(err error) bool {
	return errors.As(err, new(*FormatError)) || errors.As(err, new(*SignatureError)) || errors.As(err, new(*MemberError)) || errors.As(err, new(*EpochError))
}

// Every byte of a bundle is signed by the authority, or follows from what is.
func TestEveryByteOfABundle(t *testing.T) {
	for _, kem := range kems {
		a := newAuthority(t, kem, 6)
		a.rotate()
		f := a.rotate()
		stranger, err := tgspcrypto.GenerateIdentity(kem)
		if err != nil {
			t.Fatal(err)
		}
		good := a.bundle(f, a.agents[3], stranger)
		for i := range good {
			if testing.Short() && i%7 != 0 {
				continue
			}
			for _, bit := range []byte{1, 0x80} {
				bad := bytes.Clone(good)
				bad[i] ^= bit
				b, err := ParseBundle(bad)
				if err == nil && len(b.doc.Absent) == 1 {
					// Between two neighbours many are absent.
					b.doc.Absent[0].Agent = NewAgentID(stranger.Recipient())
					if bytes.Equal(b.Encode(), good) {
						continue
					}
				}
				if !typed(err) {
					t.Fatalf("%s: byte %d of %d changed: %v", kem, i, len(good), err)
				}
			}
		}
		for n := range good {
			if _, err := ParseBundle(good[:n]); !typed(err) {
				t.Fatalf("%s: cut to %d bytes: %v", kem, n, err)
			}
		}
		if _, err := ParseBundle(append(bytes.Clone(good), 0)); !typed(err) {
			t.Errorf("%s: a byte more: %v", kem, err)
		}
	}
}

// resign signs a changed document with the fleet's own key, as its authority
// could do by mistake.
func (a *authority) resign(f *File, change func(d *fileDoc)) ([]byte, error) {
	d := f.doc
	change(&d)
	return a.seal(dcbor.Encode(d), a.key)
}

func (a *authority) seal(document []byte, key *tgspcrypto.AuthorityKey) ([]byte, error) {
	outer := signedDoc{Document: document, Signature: signature{Algorithm: tgspcrypto.SignatureEd25519}}
	copy(outer.Signature.PublicKey[:], key.Public().Bytes())
	copy(outer.Signature.Signature[:], key.Sign(FileType, document))
	data := dcbor.Encode(outer)
	_, err := ParseFile(data)
	return data, err
}

func TestFileByAnotherAuthority(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	f := a.rotate()
	other := tgspcrypto.GenerateAuthorityKey()
	if _, err := a.seal(dcbor.Encode(f.doc), other); !errors.As(err, new(*SignatureError)) {
		t.Errorf("signed by another authority: %v", err)
	}
	var outer signedDoc
	if err := dcbor.Decode(f.Bytes(), &outer); err != nil {
		t.Fatal(err)
	}
	outer.Signature.PublicKey = [32]byte{1} // of small order: verifies what nobody has signed
	if _, err := ParseFile(dcbor.Encode(outer)); !errors.As(err, new(*SignatureError)) {
		t.Errorf("signed by a key of small order: %v", err)
	}
	outer.Signature.Algorithm = "none"
	if _, err := ParseFile(dcbor.Encode(outer)); !errors.As(err, new(*FormatError)) {
		t.Errorf("an unknown algorithm: %v", err)
	}
	// An author's signature is over another type of document.
	author := tgspcrypto.GenerateAuthorKey()
	copy(outer.Signature.Signature[:], author.Sign("application/vnd.tgsp.manifest.v1+cbor", outer.Document))
	copy(outer.Signature.PublicKey[:], author.Public().Bytes())
	outer.Signature.Algorithm = tgspcrypto.SignatureEd25519
	if _, err := ParseFile(dcbor.Encode(outer)); !errors.As(err, new(*SignatureError)) {
		t.Errorf("an author's signature: %v", err)
	}
}

func TestFieldsOfAFile(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	a.rotate()
	f := a.rotate()
	for name, change := range map[string]func(*fileDoc){
		"version 0":              func(d *fileDoc) { d.FormatVersion = 0 },
		"version 2":              func(d *fileDoc) { d.FormatVersion = 2 },
		"no name":                func(d *fileDoc) { d.Name = "" },
		"a name with a slash":    func(d *fileDoc) { d.Name = "a/b" },
		"a dot first":            func(d *fileDoc) { d.Name = ".." },
		"a long name":            func(d *fileDoc) { d.Name = string(bytes.Repeat([]byte{'a'}, 65)) },
		"serial 0":               func(d *fileDoc) { d.Serial = 0 },
		"epoch 0":                func(d *fileDoc) { d.Epoch = 0 },
		"more links than epochs": func(d *fileDoc) { d.Epoch = 1 },
		"a short link":           func(d *fileDoc) { d.Links = [][]byte{d.Links[0][1:]} },
		"too many links": func(d *fileDoc) {
			d.Epoch, d.Links = 1000, slices.Repeat(d.Links, MaxLinks+1)
		},
		"issued too late":  func(d *fileDoc) { d.IssuedAt, d.ValidUntil = maxTime+1, maxTime+2 },
		"valid for ever":   func(d *fileDoc) { d.ValidUntil = 1 << 63 },
		"never valid":      func(d *fileDoc) { d.ValidUntil = d.IssuedAt },
		"too many agents":  func(d *fileDoc) { d.Agents = MaxAgents + 1 },
		"2^63 agents":      func(d *fileDoc) { d.Agents = 1 << 63 },
		"unknown kind":     func(d *fileDoc) { d.KEM = "RSA" },
		"another kind":     func(d *fileDoc) { d.KEM = tgspcrypto.MLKEM768X25519 },
		"a low-order key":  func(d *fileDoc) { d.PublicKey = make([]byte, 32) },
		"a short key":      func(d *fileDoc) { d.PublicKey = d.PublicKey[1:] },
		"an unreduced key": func(d *fileDoc) { d.PublicKey = bytes.Repeat([]byte{0xff}, 32) },
	} {
		if _, err := a.resign(f, change); !errors.As(err, new(*FormatError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.resign(f, func(*fileDoc) {}); err != nil {
		t.Error(err)
	}
}

// HPKE's base mode proves no sender: whoever knows an agent's public key can
// encrypt a secret to it. It counts only where it is the fleet file's.
func TestSecretByAnybody(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	f := a.rotate()
	agent := a.agents[0]
	forged, err := NewEntry(agent.Recipient(), NewEpochSecret(a.id(), 1))
	if err != nil {
		t.Fatal(err)
	}
	b := NewBundle(f)
	b.doc.Members = []memberDoc{{Entry: *forged}}
	if _, err := ParseBundle(b.Encode()); !errors.As(err, new(*SignatureError)) {
		t.Errorf("an entry that the authority has not signed: %v", err)
	}
	// The same entry in a tree that the authority has signed by mistake.
	c := NewCommitter(nil)
	if err := c.Add(forged); err != nil {
		t.Fatal(err)
	}
	root, err := c.Root()
	if err != nil {
		t.Fatal(err)
	}
	data, err := a.resign(f, func(d *fileDoc) { d.EntriesHash = root })
	if err != nil {
		t.Fatal(err)
	}
	b.doc.File = data
	b, err = ParseBundle(b.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Keyring(a.agents); !errors.As(err, new(*FormatError)) {
		t.Errorf("a secret that is not the fleet file's: %v", err)
	}
}

// An entry opens for its agent, fleet and epoch alone.
func TestEntryIsBound(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 2)
	a.rotate()
	secret := a.secrets[0]
	e, err := NewEntry(a.agents[0].Recipient(), secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.open(a.agents[0], a.id(), 1); err != nil || got.Secret != secret.Secret {
		t.Error(err)
	}
	moved := *e
	moved.Agent[0] ^= 1
	for name, open := range map[string]func() (*tgspcrypto.EpochSecret, error){
		"another agent": func() (*tgspcrypto.EpochSecret, error) { return e.open(a.agents[1], a.id(), 1) },
		"another fleet": func() (*tgspcrypto.EpochSecret, error) { return e.open(a.agents[0], tgspcrypto.FleetID{}, 1) },
		"another epoch": func() (*tgspcrypto.EpochSecret, error) { return e.open(a.agents[0], a.id(), 2) },
		"another name":  func() (*tgspcrypto.EpochSecret, error) { return moved.open(a.agents[0], a.id(), 1) },
	} {
		if _, err := open(); !errors.Is(err, tgspcrypto.ErrUnwrap) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Absence cannot be claimed for a member, nor by neighbours that are not.
func TestAbsenceOfAMember(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 7)
	f := a.rotate()
	at := func(n int64) *neighbourDoc {
		nb, err := a.entries.neighbour(n)
		if err != nil {
			t.Fatal(err)
		}
		return nb
	}
	member := NewAgentID(a.agents[3].Recipient())
	wrong := at(2)
	wrong.Index++
	for name, absent := range map[string]absentDoc{
		"no neighbours":           {Agent: member},
		"around the member":       {Agent: member, Left: at(2), Right: at(4)},
		"the member on the left":  {Agent: member, Left: at(3), Right: at(4)},
		"the member on the right": {Agent: member, Left: at(2), Right: at(3)},
		"the wrong way round":     {Agent: member, Left: at(4), Right: at(2)},
		"only the left one":       {Agent: member, Left: at(2)},
		"only the right one":      {Agent: member, Right: at(4)},
		"the last one alone":      {Agent: member, Left: at(6)},
		"the first one alone":     {Agent: member, Right: at(0)},
		"a wrong place":           {Agent: member, Left: wrong, Right: at(4)},
	} {
		b := NewBundle(f)
		b.doc.Absent = []absentDoc{absent}
		if _, err := ParseBundle(b.Encode()); !errors.As(err, new(*SignatureError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An entry has its lengths and its place.
func TestMembersOfABundle(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 5)
	a.rotate()
	f := a.rotate()
	for name, change := range map[string]func(b *bundleDoc){
		"a short encapsulation": func(b *bundleDoc) { b.Members[0].Entry.Enc = b.Members[0].Entry.Enc[1:] },
		"a long secret":         func(b *bundleDoc) { b.Members[0].Entry.Sealed = append(b.Members[0].Entry.Sealed, 0) },
		"after the last":        func(b *bundleDoc) { b.Members[0].Index = 5 },
		"far after the last":    func(b *bundleDoc) { b.Members[0].Index = 1 << 63 },
		"another's place":       func(b *bundleDoc) { b.Members[0].Index ^= 1 },
		"a long proof":          func(b *bundleDoc) { b.Members[0].Proof = make([]Hash, maxProof+1) },
		"a cut fleet file":      func(b *bundleDoc) { b.File = b.File[1:] },
		"a null fleet file":     func(b *bundleDoc) { b.File = nil },
	} {
		b, err := ParseBundle(a.bundle(f, a.agents[2]))
		if err != nil {
			t.Fatal(err)
		}
		change(&b.doc)
		if _, err := ParseBundle(b.Encode()); !errors.As(err, new(*FormatError)) && !errors.As(err, new(*SignatureError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An entry that the authority has signed by mistake does not open.
func TestSignedEntryOfAnotherEpoch(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	a.rotate()
	f := a.rotate()
	e, err := NewEntry(a.agents[0].Recipient(), a.secrets[1])
	if err != nil {
		t.Fatal(err)
	}
	c := NewCommitter(nil)
	if err := c.Add(e); err != nil {
		t.Fatal(err)
	}
	root, err := c.Root()
	if err != nil {
		t.Fatal(err)
	}
	data, err := a.resign(f, func(d *fileDoc) { d.EntriesHash = root })
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseBundle(dcbor.Encode(bundleDoc{File: data, Members: []memberDoc{{Entry: *e}}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Keyring(a.agents); !errors.As(err, new(*FormatError)) {
		t.Errorf("an entry of another epoch: %v", err)
	}
}

func TestSignNeedsKeysThatCanBe(t *testing.T) {
	a := newAuthority(t, "RSA", 0)
	_, err := Sign(a.key, FileSpec{Name: "robots", Serial: 1, KEM: a.kem, IssuedAt: issued, ValidUntil: issued.Add(time.Hour), Secrets: []*tgspcrypto.EpochSecret{NewEpochSecret(a.id(), 1)}})
	if err == nil {
		t.Error("signed a fleet file with an unknown kind of key")
	}
}

func TestEntriesAreSorted(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 2)
	a.rotate()
	c := NewCommitter(nil)
	for i, n := range []int64{1, 1, 0} {
		e, err := a.entries.At(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(e); (err == nil) != (i == 0) {
			t.Errorf("entry %d: %v", i, err)
		}
	}
}

func TestUnlockNeedsTheSecret(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 0)
	a.rotate()
	f := a.rotate()
	if _, err := f.Unlock(a.secrets[0]); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]*tgspcrypto.EpochSecret{
		"of the epoch before": a.secrets[1],
		"of another fleet":    NewEpochSecret(tgspcrypto.FleetID{1}, 2),
		"made up":             NewEpochSecret(a.id(), 2),
	} {
		if _, err := f.Unlock(s); !typed(err) {
			t.Errorf("a secret %s: %v", name, err)
		}
	}
	// A link by somebody who does not know the newer secret.
	data, err := a.resign(f, func(d *fileDoc) { d.Links = [][]byte{make([]byte, linkSize)} })
	if err != nil {
		t.Fatal(err)
	}
	forged, err := ParseFile(data)
	if err != nil {
		t.Fatal(err)
	}
	epochs, err := forged.Unlock(a.secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := epochs.Identity(1); !errors.As(err, new(*FormatError)) {
		t.Errorf("a forged link: %v", err)
	}
}

func TestTextsOfErrors(t *testing.T) {
	id := tgspcrypto.FleetID{0xab}
	for want, err := range map[string]error{
		"fleet file.epoch: 0, and they are counted from 1": malformed("fleet file.epoch", "%d, and they are counted from 1", 0),
		"the entry is not signed":                          &SignatureError{"the entry is not signed"},
		"fleet robots (ab000000), epoch 3: why":            &MemberError{id, "robots", 3, "why"},
		"the fleet file of robots (ab000000) was valid until 2027-01-15T08:00:00Z, and it is 2027-01-15T09:00:00Z": &StaleError{id, "robots", issued, issued.Add(time.Hour)},
		"epoch 7 of fleet ab000000 is wanted, and the keys at hand are of epochs 2 to 5":                           &EpochError{id, 7, 2, 5},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
