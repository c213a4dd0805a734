// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var kems = []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519}

var issued = time.Unix(1_800_000_000, 0)

// authority is a fleet under test: what an authority keeps of one.
type authority struct {
	t       testing.TB
	key     *tgspcrypto.AuthorityKey
	kem     tgspcrypto.KEM
	agents  []*tgspcrypto.Identity // sorted by agent
	secrets []*tgspcrypto.EpochSecret
	serial  uint64
	entries *Entries
}

func newAuthority(t testing.TB, kem tgspcrypto.KEM, agents int) *authority {
	t.Helper()
	a := &authority{t: t, key: tgspcrypto.GenerateAuthorityKey(), kem: kem}
	for range agents {
		a.enroll()
	}
	return a
}

func (a *authority) enroll() *tgspcrypto.Identity {
	a.t.Helper()
	id, err := tgspcrypto.GenerateIdentity(a.kem)
	if err != nil {
		a.t.Fatal(err)
	}
	a.agents = append(a.agents, id)
	slices.SortFunc(a.agents, func(x, y *tgspcrypto.Identity) int {
		i, j := NewAgentID(x.Recipient()), NewAgentID(y.Recipient())
		return bytes.Compare(i[:], j[:])
	})
	return id
}

func (a *authority) id() tgspcrypto.FleetID { return a.key.Public().FleetID() }

// rotate begins a new epoch for the agents that there are.
func (a *authority) rotate() *File {
	a.t.Helper()
	a.secrets = append([]*tgspcrypto.EpochSecret{NewEpochSecret(a.id(), uint64(len(a.secrets)+1))}, a.secrets...)
	var packed, nodes bytes.Buffer
	c := NewCommitter(&nodes)
	for _, agent := range a.agents {
		e, err := NewEntry(agent.Recipient(), a.secrets[0])
		if err == nil {
			err = c.Add(e)
		}
		if err != nil {
			a.t.Fatal(err)
		}
		packed.Write(e.AppendPacked(nil))
	}
	root, err := c.Root()
	if err != nil {
		a.t.Fatal(err)
	}
	a.entries = &Entries{c.Agents(), a.kem, bytes.NewReader(packed.Bytes()), bytes.NewReader(nodes.Bytes())}
	a.serial++
	f, err := Sign(a.key, FileSpec{
		Name: "robots", Serial: a.serial, KEM: a.kem, IssuedAt: issued, ValidUntil: issued.Add(time.Hour),
		Agents: c.Agents(), EntriesHash: root, Secrets: a.secrets,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return f
}

// bundle returns what an agent is given, as it is handed around.
func (a *authority) bundle(f *File, agents ...*tgspcrypto.Identity) []byte {
	a.t.Helper()
	b := NewBundle(f)
	for _, id := range agents {
		if _, err := b.Add(NewAgentID(id.Recipient()), a.entries); err != nil {
			a.t.Fatal(err)
		}
	}
	return b.Encode()
}

func (a *authority) keyring(data []byte, identities ...*tgspcrypto.Identity) *Keyring {
	a.t.Helper()
	b, err := ParseBundle(data)
	if err != nil {
		a.t.Fatal(err)
	}
	k, err := b.Keyring(identities)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func TestAgentReachesEpochs(t *testing.T) {
	for _, kem := range kems {
		a := newAuthority(t, kem, 5)
		first := a.rotate()
		a.rotate()
		f := a.rotate()
		agent := a.agents[2]
		k := a.keyring(a.bundle(f, agent), agent)
		if k.Revoked() || k.Epoch() != 3 || k.Oldest() != 1 || k.Agents() != 5 || k.Name() != "robots" || k.ID() != a.id() {
			t.Errorf("%s: %+v", kem, k.doc)
		}
		for epoch := uint64(1); epoch <= 3; epoch++ {
			id, err := k.Identity(epoch)
			if err != nil {
				t.Fatal(err)
			}
			want, err := EpochIdentity(a.secrets[3-epoch], kem)
			if err != nil || id.Recipient().String() != want.Recipient().String() {
				t.Errorf("%s: epoch %d gives another key, %v", kem, epoch, err)
			}
		}
		if got, err := k.Identity(1); err != nil || got.Recipient().String() != first.Recipient().String() {
			t.Errorf("%s: not the key that packages of epoch 1 were encrypted to: %v", kem, err)
		}
		for _, epoch := range []uint64{0, 4, 1 << 63} {
			if _, err := k.Identity(epoch); !errors.As(err, new(*EpochError)) {
				t.Errorf("%s: epoch %d: %v", kem, epoch, err)
			}
		}
	}
}

// What is forgotten is wiped where it lay, and opens nothing.
func TestForget(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	a.rotate()
	f := a.rotate()
	k := a.keyring(a.bundle(f, a.agents[0]), a.agents[0])
	id, err := k.Identity(1)
	if err != nil {
		t.Fatal(err)
	}
	want, secret := id.Recipient().String(), k.epochs.present
	for range 2 {
		k.Forget()
		if secret.Secret != [tgspcrypto.EpochSecretSize]byte{} {
			t.Error("the secret is still there")
		}
		for epoch := uint64(1); epoch <= 2; epoch++ {
			if id, err := k.Identity(epoch); !errors.As(err, new(*EpochError)) {
				t.Errorf("epoch %d: %v, %v", epoch, id, err)
			}
		}
	}
	if k.Revoked() || k.Epoch() != 2 || id.Recipient().String() != want {
		t.Error("what was known of the fleet is gone with it")
	}
	stranger, err := tgspcrypto.GenerateIdentity(a.kem)
	if err != nil {
		t.Fatal(err)
	}
	a.keyring(a.bundle(f, stranger), stranger).Forget() // it has nothing to forget
}

func TestLinksEndWhereTheAuthoritySays(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 1)
	for range 4 {
		a.rotate()
	}
	a.secrets = a.secrets[:1] // none of the earlier ones is handed on
	s := NewEpochSecret(a.id(), 5)
	root, err := NewCommitter(nil).Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Sign(a.key, FileSpec{
		Name: "robots", Serial: 9, KEM: a.kem, IssuedAt: issued, ValidUntil: issued.Add(1), EntriesHash: root,
		Secrets: []*tgspcrypto.EpochSecret{s, a.secrets[0]},
	})
	if !errors.As(err, new(*FormatError)) {
		t.Errorf("valid for less than a second: %v, %v", f, err)
	}
	f, err = Sign(a.key, FileSpec{
		Name: "robots", Serial: 9, KEM: a.kem, IssuedAt: issued, ValidUntil: issued.Add(time.Minute), EntriesHash: root,
		Secrets: []*tgspcrypto.EpochSecret{s, a.secrets[0]},
	})
	if err != nil {
		t.Fatal(err)
	}
	epochs, err := f.Unlock(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := epochs.Identity(4); err != nil {
		t.Error(err)
	}
	e := new(EpochError)
	if _, err := epochs.Identity(3); !errors.As(err, &e) || e.Oldest != 4 || e.Newest != 5 || e.Want != 3 {
		t.Errorf("%+v, %v", e, err)
	}
	for _, gap := range [][]*tgspcrypto.EpochSecret{{}, {s, NewEpochSecret(a.id(), 3)}, {s, NewEpochSecret(tgspcrypto.FleetID{1}, 4)}} {
		if _, err := Sign(a.key, FileSpec{Name: "robots", Serial: 9, KEM: a.kem, IssuedAt: issued, ValidUntil: issued.Add(time.Minute), Secrets: gap}); err == nil {
			t.Errorf("signed with %d secrets", len(gap))
		}
	}
}

func TestStrangersAndRevokedAgents(t *testing.T) {
	for agents := range 4 {
		a := newAuthority(t, tgspcrypto.X25519, agents)
		f := a.rotate()
		for range 20 { // falls before, between and after the others
			stranger, err := tgspcrypto.GenerateIdentity(a.kem)
			if err != nil {
				t.Fatal(err)
			}
			k := a.keyring(a.bundle(f, stranger), stranger)
			if !k.Revoked() || k.Agent() != NewAgentID(stranger.Recipient()) {
				t.Fatal("an agent without an entry is a member")
			}
			if _, err := k.Identity(1); err == nil {
				t.Fatal("it has a key")
			}
			b, err := ParseBundle(f.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := b.Keyring([]*tgspcrypto.Identity{stranger}); !errors.As(err, new(*MemberError)) {
				t.Errorf("the bare fleet file: %v", err)
			}
		}
	}
}

func TestManyAgentsInOneBundle(t *testing.T) {
	a := newAuthority(t, tgspcrypto.X25519, 33)
	f := a.rotate()
	b, err := ParseBundle(a.bundle(f, a.agents...))
	if err != nil {
		t.Fatal(err)
	}
	for _, agent := range a.agents {
		k, err := b.Keyring([]*tgspcrypto.Identity{agent})
		if err != nil || k.Revoked() {
			t.Fatal(err)
		}
		data := b.Single(k.Agent()).Encode()
		if want := a.bundle(f, agent); !bytes.Equal(data, want) {
			t.Error("what an agent keeps is not what it would have been given alone")
		}
		if len(data) > 4096 {
			t.Errorf("an agent's bundle has %d bytes", len(data))
		}
	}
}

func TestValidity(t *testing.T) {
	f := newAuthority(t, tgspcrypto.X25519, 0).rotate()
	if err := f.CheckValid(issued.Add(time.Hour - time.Second)); err != nil {
		t.Error(err)
	}
	e := new(StaleError)
	if err := f.CheckValid(issued.Add(time.Hour)); !errors.As(err, &e) || !e.ValidUntil.Equal(f.ValidUntil()) {
		t.Error(err)
	}
	if !f.IssuedAt().Equal(issued) {
		t.Errorf("issued at %s", f.IssuedAt())
	}
}
