// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Labels of what an epoch's secret is used for (FORMAT.md, section 13.2).
const (
	kemLabel   = "tgsp/v1 fleet kem"
	chainLabel = "tgsp/v1 fleet chain"
	linkLabel  = "tgsp/v1 fleet link"
)

// linkSize is the length in bytes of a link: a sealed epoch secret.
const linkSize = 56 + tgspcrypto.EpochSecretSize + tgspcrypto.ChunkOverhead

// NewEpochSecret makes the secret of a new epoch.
func NewEpochSecret(id tgspcrypto.FleetID, epoch uint64) *tgspcrypto.EpochSecret {
	s := &tgspcrypto.EpochSecret{Fleet: id, Epoch: epoch}
	rand.Read(s.Secret[:]) // never fails: crypto/rand ends the program instead
	return s
}

// derive returns 32 bytes for one use of an epoch's secret.
func derive(s *tgspcrypto.EpochSecret, label string) ([]byte, error) {
	return hkdf.Expand(sha256.New, s.Secret[:], label+"\x00"+epochName(s.Fleet, s.Epoch), tgspcrypto.KeySize)
}

// epochName is a fleet and one of its epochs: 40 bytes.
func epochName(id tgspcrypto.FleetID, epoch uint64) string {
	return string(binary.BigEndian.AppendUint64(id[:], epoch))
}

// EpochIdentity returns the key pair that packages of an epoch are encrypted to.
func EpochIdentity(s *tgspcrypto.EpochSecret, kem tgspcrypto.KEM) (*tgspcrypto.Identity, error) {
	seed, err := derive(s, kemLabel)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	return tgspcrypto.NewIdentity(kem, seed)
}

// sealLink encrypts an epoch's secret for those who have the next one's.
func sealLink(newer, older *tgspcrypto.EpochSecret) ([]byte, error) {
	chain, err := derive(newer, chainLabel)
	if err != nil {
		return nil, err
	}
	defer clear(chain)
	return tgspcrypto.SealMessage(tgspcrypto.AES256GCM, chain, older.Secret[:], linkContext(older.Fleet, older.Epoch))
}

// openLink returns the secret of the epoch before.
func openLink(newer *tgspcrypto.EpochSecret, link []byte) (*tgspcrypto.EpochSecret, error) {
	chain, err := derive(newer, chainLabel)
	if err != nil {
		return nil, err
	}
	defer clear(chain)
	older := &tgspcrypto.EpochSecret{Fleet: newer.Fleet, Epoch: newer.Epoch - 1}
	secret, err := tgspcrypto.OpenMessage(tgspcrypto.AES256GCM, chain, link, linkContext(older.Fleet, older.Epoch))
	if err != nil {
		return nil, malformed("fleet file.links", "the link to epoch %d does not open: %v", older.Epoch, err)
	}
	defer clear(secret)
	copy(older.Secret[:], secret)
	return older, nil
}

func linkContext(id tgspcrypto.FleetID, epoch uint64) string {
	return linkLabel + "\x00" + epochName(id, epoch)
}
