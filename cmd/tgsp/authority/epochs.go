// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// Rotate begins a new epoch. Nobody has its secret before it is published.
func (s *Store) Rotate() error { return s.update(s.newEpoch) }

func (s *Store) newEpoch(tx *bolt.Tx) error {
	s.meta.Epoch++
	s.meta.Pending = true
	secret := fleet.NewEpochSecret(s.ID(), s.meta.Epoch)
	if err := tx.Bucket(bucketEpochs).Put(epochKey(s.meta.Epoch), secret.Secret[:]); err != nil {
		return err
	}
	return s.save(tx)
}

func epochKey(epoch uint64) []byte { return binary.BigEndian.AppendUint64(nil, epoch) }

// Secret returns the secret of an epoch.
func (s *Store) Secret(epoch uint64) (*tgspcrypto.EpochSecret, error) {
	secret := &tgspcrypto.EpochSecret{Fleet: s.ID(), Epoch: epoch}
	return secret, s.db.View(func(tx *bolt.Tx) error {
		raw := tx.Bucket(bucketEpochs).Get(epochKey(epoch))
		if len(raw) != len(secret.Secret) {
			return fmt.Errorf("fleet %s has no epoch %d", s.meta.Name, epoch)
		}
		copy(secret.Secret[:], raw)
		return nil
	})
}

// secrets returns those that the next fleet file needs, newest first.
func (s *Store) secrets() ([]*tgspcrypto.EpochSecret, error) {
	var all []*tgspcrypto.EpochSecret
	for epoch := s.meta.Epoch; epoch > 0 && uint64(len(all)) <= s.meta.History; epoch-- {
		secret, err := s.Secret(epoch)
		if err != nil {
			return nil, err
		}
		all = append(all, secret)
	}
	return all, nil
}
