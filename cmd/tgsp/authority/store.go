// SPDX-License-Identifier: Apache-2.0

// Package authority keeps what the authority of a fleet knows: its key, the
// secrets of all epochs, the agents, and the entries that were made for them. All
// of it lies in one folder for each fleet.
//
// Agents and secrets stand in a database, whose changes are whole or not at all.
// A change that agents are to see is published: all entries are written to new
// files, and the fleet file that commits to them takes the place of the one before
// in the database. What a crash has left unpublished is published by the next
// change.
package authority

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
	"github.com/tensorguard/tgsp/crypto/fleet"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

const (
	keyFile = "authority.key"
	dbFile  = "fleet.db"
)

// lockPatience is how long a command waits for another one of the same fleet.
const lockPatience = 10 * time.Second

// Buckets of the database, and the one key in the first.
var (
	bucketMeta   = []byte("meta")
	bucketAgents = []byte("agents") // by AgentID
	bucketEpochs = []byte("epochs") // secrets by number, 8 bytes
	keyMeta      = []byte("fleet")
)

var (
	// ErrBusy means that another command is at work on the same fleet.
	ErrBusy = errors.New("another command is at work on this fleet")
	// ErrNotWhole means that a folder is there, and is no fleet's or not all of it.
	ErrNotWhole = errors.New("not the whole folder of a fleet")
)

// meta is what a fleet is now.
type meta struct {
	Name     string         `cbor:"name"`
	KEM      tgspcrypto.KEM `cbor:"kem"`
	History  uint64         `cbor:"history"`   // earlier epochs that the fleet file leads to
	ValidFor uint64         `cbor:"valid_for"` // seconds
	Epoch    uint64         `cbor:"epoch"`
	Serial   uint64         `cbor:"serial"`  // of File
	Agents   uint64         `cbor:"agents"`  // in the database
	Pending  bool           `cbor:"pending"` // there are changes that File does not have
	Entries  uint64         `cbor:"entries"` // epoch of the entries that File commits to
	File     []byte         `cbor:"file"`
}

// Store is the authority of one fleet. It is for one goroutine.
type Store struct {
	dir  string
	db   *bolt.DB
	key  *tgspcrypto.AuthorityKey
	meta meta
}

// Options say what a new fleet is to be.
type Options struct {
	Name     string
	KEM      tgspcrypto.KEM
	History  int           // earlier epochs that members may reach
	ValidFor time.Duration // from signing to the end of a fleet file
}

// Create makes a fleet without agents in a folder that must not exist, readable by
// its owner alone. It is there as a whole or not at all.
func Create(dir string, o Options) (*Store, error) {
	if err := create(dir, o, durable.SyncFolder); err != nil {
		return nil, err
	}
	return Open(dir)
}

func create(dir string, o Options, syncFolder func(string) error) error {
	if err := fleet.CheckName(o.Name); err != nil {
		return err
	}
	if o.History < 0 || o.History > fleet.MaxLinks {
		return fmt.Errorf("a history of %d epochs: want 0 to %d", o.History, fleet.MaxLinks)
	}
	if o.ValidFor < time.Second {
		return fmt.Errorf("valid for %s: want a second at least", o.ValidFor)
	}
	// Renaming would take the place of an empty folder.
	if _, err := os.Lstat(dir); err == nil {
		return &fs.PathError{Op: "mkdir", Path: dir, Err: fs.ErrExist}
	}
	parent := filepath.Dir(dir)
	if err := durable.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	// A folder that begins with a dot is no fleet's, should this be cut off.
	temp, err := sysfile.MkdirTempPrivate(parent, "."+filepath.Base(dir)+".*.tmp")
	if err != nil {
		return err
	}
	if err = fill(temp, o); err == nil {
		err = syncFolder(temp)
	}
	if err == nil {
		err = sysfile.Rename(temp, dir)
	}
	if err != nil {
		return errors.Join(err, sysfile.RemoveAll(temp))
	}
	return syncFolder(parent)
}

// fill puts the files of a new fleet into a folder.
func fill(dir string, o Options) error {
	key := tgspcrypto.GenerateAuthorityKey()
	text := "# the authority of fleet " + o.Name + "; whoever loses this file starts a new fleet\n# public key: " + key.Public().String() + "\n" + key.SecretLine() + "\n"
	if err := tgspcrypto.CreateSecretFile(filepath.Join(dir, keyFile), text); err != nil {
		return err
	}
	s := &Store{dir: dir, key: key}
	s.meta = meta{Name: o.Name, KEM: o.KEM, History: uint64(o.History), ValidFor: uint64(o.ValidFor / time.Second), Pending: true} //nolint:gosec // bounded by create
	if err := s.open(); err != nil {
		return err
	}
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketAgents, bucketEpochs} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return s.newEpoch(tx)
	})
	return errors.Join(err, s.Close())
}

// SecretFiles returns the files in a fleet's folder that are for its owner alone.
func SecretFiles(dir string) []string {
	return []string{filepath.Join(dir, keyFile), filepath.Join(dir, dbFile)}
}

// CheckWhole returns fs.ErrNotExist where there is no such folder, and ErrNotWhole
// where it does not hold what every fleet's does.
func CheckWhole(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	for _, name := range SecretFiles(dir) {
		info, err := os.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			continue
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w: it has no %s", dir, ErrNotWhole, filepath.Base(name))
		}
		return err
	}
	return nil
}

// ReadID returns which fleet's a folder is, also where another command has it.
func ReadID(dir string) (tgspcrypto.FleetID, error) {
	if err := CheckWhole(dir); err != nil {
		return tgspcrypto.FleetID{}, err
	}
	key, err := tgspcrypto.ReadAuthorityKeyFile(filepath.Join(dir, keyFile))
	if err != nil {
		return tgspcrypto.FleetID{}, err
	}
	return key.Public().FleetID(), nil
}

// Open opens a fleet's folder. It returns ErrBusy where another command has it,
// and what CheckWhole does.
func Open(dir string) (*Store, error) {
	if err := CheckWhole(dir); err != nil {
		return nil, err
	}
	key, err := tgspcrypto.ReadAuthorityKeyFile(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, key: key}
	if err := s.open(); err != nil {
		return nil, err
	}
	if err := s.db.View(s.load); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open() (err error) {
	s.db, err = bolt.Open(filepath.Join(s.dir, dbFile), 0o600, &bolt.Options{
		Timeout: lockPatience, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, _ os.FileMode) (*os.File, error) { return sysfile.OpenPrivate(name, flag) },
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return ErrBusy
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(s.dir, dbFile), err)
	}
	return nil
}

// load reads what the fleet is now.
func (s *Store) load(tx *bolt.Tx) error {
	bucket := tx.Bucket(bucketMeta)
	if bucket == nil || bucket.Get(keyMeta) == nil {
		return fmt.Errorf("%s: %w: %s is empty", s.dir, ErrNotWhole, dbFile)
	}
	var m meta
	if err := dcbor.Decode(bucket.Get(keyMeta), &m); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(s.dir, dbFile), err)
	}
	s.meta = m
	return nil
}

// save writes what the fleet is from now on.
func (s *Store) save(tx *bolt.Tx) error {
	return tx.Bucket(bucketMeta).Put(keyMeta, dcbor.Encode(s.meta))
}

// update changes the database as a whole, or leaves it and the store as they were.
func (s *Store) update(change func(*bolt.Tx) error) error {
	before := s.meta
	err := s.db.Update(func(tx *bolt.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return s.save(tx)
	})
	if err != nil {
		s.meta = before
	}
	return err
}

// Close lets other commands have the fleet.
func (s *Store) Close() error { return s.db.Close() }

// ID returns the fleet's name that cannot be forged.
func (s *Store) ID() tgspcrypto.FleetID { return s.key.Public().FleetID() }

// PublicKey returns the authority's public key.
func (s *Store) PublicKey() tgspcrypto.AuthorityPublicKey { return s.key.Public() }

// Name returns what the authority calls the fleet.
func (s *Store) Name() string { return s.meta.Name }

// KEM returns the kind of all keys in the fleet.
func (s *Store) KEM() tgspcrypto.KEM { return s.meta.KEM }

// Agents returns how many there are.
func (s *Store) Agents() int64 { return int64(s.meta.Agents) } //nolint:gosec // bounded by the format

// Pending reports whether there are changes that were not published, because a
// command was cut off.
func (s *Store) Pending() bool { return s.meta.Pending }

// File returns the fleet file that was published last, or nil.
func (s *Store) File() (*fleet.File, error) {
	if len(s.meta.File) == 0 {
		return nil, nil
	}
	return fleet.ParseFile(s.meta.File)
}

// List returns the names of the folders in dir, which are fleets' where nobody
// has put others there. Those that begin with a dot are left out.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
