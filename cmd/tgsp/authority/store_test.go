// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

var now = time.Unix(1_800_000_000, 0).UTC()

func newStore(t *testing.T, kem tgspcrypto.KEM, history int) *Store {
	t.Helper()
	s, err := Create(filepath.Join(t.TempDir(), "fleets", "robots"), Options{Name: "robots", KEM: kem, History: history, ValidFor: time.Hour})
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// agents makes members, and the identities that they keep.
func agents(t *testing.T, kem tgspcrypto.KEM, n int) ([]Agent, []*tgspcrypto.Identity) {
	t.Helper()
	var all []Agent
	var ids []*tgspcrypto.Identity
	for i := range n {
		id, err := tgspcrypto.GenerateIdentity(kem)
		check(t, err)
		all = append(all, Agent{fleet.NewAgentID(id.Recipient()), id.Recipient(), fmt.Sprintf("gate-%d", i), now})
		ids = append(ids, id)
	}
	return all, ids
}

func enroll(t *testing.T, s *Store, all []Agent, want int) {
	t.Helper()
	added, err := s.Enroll(all)
	check(t, err)
	if added != want {
		t.Errorf("enrolled %d, want %d", added, want)
	}
}

func publish(t *testing.T, s *Store) *fleet.File {
	t.Helper()
	f, err := s.Publish(context.Background(), now, 0, nil)
	check(t, err)
	return f
}

// keyring is what an agent has when it was handed its bundle.
func keyring(t *testing.T, s *Store, id *tgspcrypto.Identity) *fleet.Keyring {
	t.Helper()
	f, err := s.File()
	check(t, err)
	entries, err := s.Published()
	check(t, err)
	defer entries.Close() // only read
	b := fleet.NewBundle(f)
	_, err = b.Add(fleet.NewAgentID(id.Recipient()), &entries.Entries)
	check(t, err)
	b, err = fleet.ParseBundle(b.Encode())
	check(t, err)
	k, err := b.Keyring([]*tgspcrypto.Identity{id})
	check(t, err)
	return k
}

func TestEnrollRevokeRotate(t *testing.T) {
	for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
		s := newStore(t, kem, 2)
		all, ids := agents(t, kem, 2*wrapBatch+3)
		enroll(t, s, all[:5], 5)
		enroll(t, s, append(slices.Clone(all[3:7]), all[3]), 2)
		f := publish(t, s)
		if f.Epoch() != 1 || f.Serial() != 1 || f.Agents() != 7 || !f.ValidUntil().Equal(now.Add(time.Hour)) || s.Pending() {
			t.Errorf("%d agents in epoch %d, serial %d, valid until %s", f.Agents(), f.Epoch(), f.Serial(), f.ValidUntil())
		}
		before := keyring(t, s, ids[0])
		// Who comes later gets the same epoch, and the others keep their entries.
		enroll(t, s, all, len(all)-7)
		if !s.Pending() {
			t.Error("a change that was not published is not pending")
		}
		f = publish(t, s)
		if f.Epoch() != 1 || f.Serial() != 2 || f.Agents() != int64(len(all)) {
			t.Errorf("%d agents in epoch %d, serial %d", f.Agents(), f.Epoch(), f.Serial())
		}
		for i, id := range ids {
			k := keyring(t, s, id)
			if k.Revoked() || k.Recipient().String() != before.Recipient().String() {
				t.Fatalf("agent %d is not in the epoch", i)
			}
		}
		check(t, s.Revoke([]fleet.AgentID{all[1].ID, all[2].ID, all[1].ID}))
		f = publish(t, s)
		if f.Epoch() != 2 || f.Agents() != int64(len(all)-2) || s.Agents() != f.Agents() {
			t.Errorf("%d agents in epoch %d", f.Agents(), f.Epoch())
		}
		if !keyring(t, s, ids[1]).Revoked() || keyring(t, s, ids[3]).Revoked() {
			t.Error("the wrong ones were revoked")
		}
		for range 2 {
			check(t, s.Rotate())
			f = publish(t, s)
		}
		k := keyring(t, s, ids[4])
		if _, err := k.Identity(2); f.Epoch() != 4 || f.Oldest() != 2 || err != nil {
			t.Errorf("epoch %d, back to %d: %v", f.Epoch(), f.Oldest(), err)
		}
		left, err := filepath.Glob(filepath.Join(s.dir, "*-*"))
		check(t, err)
		if len(left) != 2 {
			t.Errorf("files of entries: %q", left)
		}
	}
}

func TestStoreStays(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	all, ids := agents(t, tgspcrypto.X25519, 3)
	enroll(t, s, all, 3)
	publish(t, s)
	check(t, s.Rotate()) // and then the machine stops
	dir, id := s.dir, s.ID()
	if _, err := Open(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	check(t, s.Close())
	s, err := Open(dir)
	check(t, err)
	defer s.Close()
	if s.ID() != id || s.Name() != "robots" || s.KEM() != tgspcrypto.X25519 || !s.Pending() || s.Agents() != 3 {
		t.Errorf("%+v", s.meta)
	}
	if k := keyring(t, s, ids[0]); k.Epoch() != 1 {
		t.Error("what was published before is gone")
	}
	if f := publish(t, s); f.Epoch() != 2 || s.Pending() {
		t.Error("the change that was cut off was not published")
	}
	for _, name := range []string{keyFile, dbFile, packedName(2)} {
		if shared, err := sysfile.Shared(filepath.Join(dir, name)); err != nil || shared {
			t.Errorf("others may use %s: %t, %v", name, shared, err)
		}
	}
}

// A publication that was interrupted leaves the one before.
func TestPublicationCutOff(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	all, ids := agents(t, tgspcrypto.X25519, 40)
	enroll(t, s, all[:20], 20)
	publish(t, s)
	enroll(t, s, all, 20)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := s.Publish(ctx, now, 0, func(done, _ int64) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if f, err := s.File(); err != nil || f.Serial() != 1 || !s.Pending() {
		t.Errorf("serial %d, %v", f.Serial(), err)
	}
	if k := keyring(t, s, ids[0]); k.Revoked() || k.Agents() != 20 {
		t.Errorf("%d agents", k.Agents())
	}
	left, err := filepath.Glob(filepath.Join(s.dir, "*-2"))
	check(t, err)
	if len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
	if f := publish(t, s); f.Agents() != 40 || f.Serial() != 2 {
		t.Errorf("%d agents, serial %d", f.Agents(), f.Serial())
	}
}

func TestFind(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	all, _ := agents(t, tgspcrypto.X25519, 4)
	all[3].Name = all[2].Name
	enroll(t, s, all, 4)
	for _, who := range []string{all[0].Key.String(), all[0].ID.String(), all[0].ID.ShortID(), strings.ToUpper(all[0].ID.String()[:9]), "gate-0"} {
		found, err := s.Find(who)
		check(t, err)
		if a := found[0]; a.ID != all[0].ID || a.Name != "gate-0" || !a.Enrolled.Equal(now) {
			t.Errorf("%s: %+v", who, a)
		}
	}
	if found, err := s.Find("gate-1", all[0].ID.ShortID(), "gate-1"); err != nil || found[0].ID != all[1].ID || found[1].ID != all[0].ID || found[2].ID != all[1].ID {
		t.Errorf("three names: %v, %v", found, err)
	}
	strangers, _ := agents(t, tgspcrypto.X25519, 1)
	for _, who := range []string{"", "gate-9", all[0].ID.String()[:7], strangers[0].ID.String(), strangers[0].Key.String()} {
		if a, err := s.Find(who); !errors.Is(err, ErrNoAgent) {
			t.Errorf("%q: %+v, %v", who, a, err)
		}
	}
	if a, err := s.Find("gate-2"); err == nil || errors.Is(err, ErrNoAgent) {
		t.Errorf("a name of two: %+v, %v", a, err)
	}
}

// A name that begins the id of another agent, as a database from before may have
// it, must not stand for that agent, nor that agent for the name.
func TestFindNameThatBeginsAnID(t *testing.T) {
	all, _ := agents(t, tgspcrypto.X25519, 4)
	victim, other, revoked := &all[0], &all[1], all[3]
	for _, name := range []string{victim.ID.ShortID(), victim.ID.String()[:9], victim.ID.String()} {
		s := newStore(t, tgspcrypto.X25519, 0)
		victim.Name, other.Name = "gate-0", name
		enroll(t, s, all[:3], 3)
		for _, whos := range [][]string{{name}, {"gate-2", name}, {name, name}} {
			if found, err := s.Find(whos...); err == nil || errors.Is(err, ErrNoAgent) || !strings.Contains(err.Error(), "public line") {
				t.Errorf("%q: %+v, %v", whos, found, err)
			}
		}
		found, err := s.Find(victim.Key.String(), other.Key.String(), "gate-0", other.ID.ShortID())
		check(t, err)
		for i, want := range []*Agent{victim, other, victim, other} {
			if found[i].ID != want.ID {
				t.Errorf("%d: %s", i, found[i].ID)
			}
		}
		// An agent may be called like itself.
		other.Name, victim.Name = "gate-1", name
		s = newStore(t, tgspcrypto.X25519, 0)
		enroll(t, s, all[:3], 3)
		if found, err := s.Find(name); err != nil || found[0].ID != victim.ID {
			t.Errorf("its own id: %+v, %v", found, err)
		}
	}
	// Of an id that is not in the fleet, the whole of it stays one.
	s := newStore(t, tgspcrypto.X25519, 0)
	all[0].Name, all[1].Name = revoked.ID.ShortID(), revoked.ID.String()
	enroll(t, s, all[:3], 3)
	if found, err := s.Find(revoked.ID.ShortID()); err != nil || found[0].ID != all[0].ID {
		t.Errorf("a name that begins no id: %+v, %v", found, err)
	}
	if found, err := s.Find(revoked.ID.String()); !errors.Is(err, ErrNoAgent) {
		t.Errorf("the id of an agent that was revoked: %+v, %v", found, err)
	}
}

func TestLooksLikeID(t *testing.T) {
	digits := strings.Repeat("0123456789abcdefABCDEF", 3)
	for s, want := range map[string]bool{
		"": false, digits[:7]: false, digits[:8]: true, digits[:9]: true, digits[:64]: true, digits[:65]: false,
		"DEADBEEF": true, "deadbeeg": false, "gate-deadbeef": false, "dead-beef": false, "deadbeefä": false,
	} {
		if got := LooksLikeID(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}

func TestEnrollRefusesOtherKeys(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	good, _ := agents(t, tgspcrypto.X25519, 1)
	hybrid, _ := agents(t, tgspcrypto.MLKEM768X25519, 1)
	if n, err := s.Enroll(append(good, hybrid...)); err == nil || n != 0 {
		t.Errorf("enrolled %d, %v", n, err)
	}
	if s.Agents() != 0 {
		t.Error("a refused step was half done")
	}
}

// A new fleet gets its name when all of it is on the disk, and the name is made
// durable too.
func TestCreateIsDurable(t *testing.T) {
	o := Options{Name: "robots", KEM: tgspcrypto.X25519, ValidFor: time.Hour}
	parent := filepath.Join(t.TempDir(), "fleets")
	dir := filepath.Join(parent, "robots")
	errDisk := errors.New("the disk is gone")
	for failAt := range 3 { // and never
		synced := 0
		err := create(dir, o, func(folder string) error {
			synced++
			_, statErr := os.Lstat(dir)
			switch synced {
			case 1: // the folder, under a name that nobody takes for a fleet
				names, err := List(parent)
				if err != nil || len(names) > 0 || filepath.Dir(folder) != parent || CheckWhole(folder) != nil || !errors.Is(statErr, fs.ErrNotExist) {
					t.Errorf("%s is synced first, beside %q: %v, %v", folder, names, err, statErr)
				}
			case 2:
				if folder != parent || statErr != nil {
					t.Errorf("%s is synced then: %v", folder, statErr)
				}
			}
			if synced-1 == failAt {
				return errDisk
			}
			return nil
		})
		if (err == nil) != (failAt == 2) || err != nil && !errors.Is(err, errDisk) || synced != min(failAt+1, 2) {
			t.Errorf("synced %d of 2 times: %v", synced, err)
		}
		left, err := os.ReadDir(parent)
		check(t, err)
		if failAt == 0 && len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		check(t, os.RemoveAll(dir))
	}
}

// A folder that is not all of a fleet's is told from one that is not there.
func TestNotWhole(t *testing.T) {
	s := newStore(t, tgspcrypto.X25519, 0)
	dir, id := s.dir, s.ID()
	if got, err := ReadID(dir); err != nil || got != id { // while it is in use
		t.Errorf("%s, %v", got, err)
	}
	check(t, s.Close())
	for i, name := range SecretFiles(dir) {
		check(t, os.Rename(name, name+".away"))
		_, openErr := Open(dir)
		_, idErr := ReadID(dir)
		for _, err := range []error{openErr, idErr, CheckWhole(dir)} {
			if !errors.Is(err, ErrNotWhole) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("without %s: %v", name, err)
			}
		}
		if i == 1 { // an empty database, as a crash could leave it before
			check(t, os.WriteFile(name, nil, 0o600))
			if _, err := Open(dir); !errors.Is(err, ErrNotWhole) {
				t.Errorf("with an empty %s: %v", name, err)
			}
		}
		check(t, os.Rename(name+".away", name))
	}
	s, err := Open(dir)
	check(t, err)
	check(t, s.Close())
	check(t, os.RemoveAll(dir))
	if _, err := ReadID(dir); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotWhole) {
		t.Errorf("of no folder: %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	good := Options{Name: "robots", KEM: tgspcrypto.X25519, ValidFor: time.Hour}
	if _, err := Create(dir, good); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into a folder that is there: %v", err)
	}
	for name, change := range map[string]func(*Options){
		"no name":       func(o *Options) { o.Name = "" },
		"long history":  func(o *Options) { o.History = fleet.MaxLinks + 1 },
		"negative":      func(o *Options) { o.History = -1 },
		"valid for 0":   func(o *Options) { o.ValidFor = 0 },
		"unknown kinds": func(o *Options) { o.KEM = "RSA" },
	} {
		o := good
		change(&o)
		s, err := Create(filepath.Join(dir, "new"), o)
		if err == nil && name == "unknown kinds" { // which the first publication finds
			_, err = s.Publish(context.Background(), now, 0, nil)
			check(t, errors.Join(s.Close(), os.RemoveAll(s.dir)))
		}
		if err == nil {
			t.Errorf("%s: created", name)
		}
		if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
			t.Fatalf("%s: left behind", name)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is none: %v", err)
	}
	names, err := List(filepath.Join(dir, "none"))
	if err != nil || len(names) != 0 {
		t.Errorf("%q, %v", names, err)
	}
}
