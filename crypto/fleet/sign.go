// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// FileSpec says what a fleet file is to say.
type FileSpec struct {
	Name        string
	Serial      uint64
	KEM         tgspcrypto.KEM
	IssuedAt    time.Time
	ValidUntil  time.Time
	Agents      int64
	EntriesHash Hash
	// Secrets are the present epoch's and those of earlier epochs that it is to
	// reach, newest first, without a gap.
	Secrets []*tgspcrypto.EpochSecret
}

// Sign makes a fleet file.
func Sign(authority *tgspcrypto.AuthorityKey, s FileSpec) (*File, error) {
	if len(s.Secrets) == 0 {
		return nil, errors.New("a fleet file needs the secret of its epoch")
	}
	present := s.Secrets[0]
	id := authority.Public().FleetID()
	identity, err := EpochIdentity(present, s.KEM)
	if err != nil {
		return nil, err
	}
	doc := fileDoc{
		FormatVersion: formatVersion, Fleet: id, Name: s.Name, Serial: s.Serial, Epoch: present.Epoch, KEM: s.KEM,
		PublicKey: identity.Recipient().Bytes(), IssuedAt: uint64(s.IssuedAt.Unix()), ValidUntil: uint64(s.ValidUntil.Unix()), //nolint:gosec // validate refuses what wraps
		Agents: uint64(s.Agents), EntriesHash: s.EntriesHash, //nolint:gosec // likewise
	}
	for i, older := range s.Secrets[1:] {
		newer := s.Secrets[i]
		if older.Epoch+1 != newer.Epoch || older.Fleet != id {
			return nil, fmt.Errorf("epoch %d does not follow epoch %d of this fleet", newer.Epoch, older.Epoch)
		}
		link, err := sealLink(newer, older)
		if err != nil {
			return nil, err
		}
		doc.Links = append(doc.Links, link)
	}
	outer := signedDoc{Document: dcbor.Encode(doc), Signature: signature{Algorithm: tgspcrypto.SignatureEd25519}}
	copy(outer.Signature.PublicKey[:], authority.Public().Bytes())
	copy(outer.Signature.Signature[:], authority.Sign(FileType, outer.Document))
	return ParseFile(dcbor.Encode(outer))
}
