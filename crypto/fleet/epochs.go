// SPDX-License-Identifier: Apache-2.0

package fleet

import tgspcrypto "github.com/tensorguard/tgsp/crypto"

// Epochs are the key pairs of a fleet's present epoch and of the earlier ones
// that its file links to. It is safe for concurrent use.
type Epochs struct {
	file    *File
	present tgspcrypto.EpochSecret
}

// Unlock opens a fleet file by the secret of its epoch. The secret may be from
// anybody, since HPKE's base mode proves no sender: it counts only where the
// public key in the signed file follows from it.
func (f *File) Unlock(secret *tgspcrypto.EpochSecret) (*Epochs, error) {
	if secret.Fleet != f.ID() || secret.Epoch != f.Epoch() {
		return nil, &EpochError{secret.Fleet, f.Epoch(), secret.Epoch, secret.Epoch}
	}
	identity, err := EpochIdentity(secret, f.KEM())
	if err != nil {
		return nil, err
	}
	if identity.Recipient().String() != f.recipient.String() {
		return nil, malformed("entry", "its secret is not the one of the epoch's public key in the fleet file")
	}
	return &Epochs{f, *secret}, nil
}

// Identity returns the key pair of an epoch, or an *EpochError where the links
// do not reach it.
func (e *Epochs) Identity(epoch uint64) (*tgspcrypto.Identity, error) {
	secret, err := e.secret(epoch)
	if err != nil {
		return nil, err
	}
	defer clear(secret.Secret[:])
	return EpochIdentity(secret, e.file.KEM())
}

// secret follows the links back to an epoch.
func (e *Epochs) secret(epoch uint64) (*tgspcrypto.EpochSecret, error) {
	if epoch > e.file.Epoch() || epoch < e.file.Oldest() {
		return nil, &EpochError{e.file.ID(), epoch, e.file.Oldest(), e.file.Epoch()}
	}
	present := e.present
	secret := &present
	for _, link := range e.file.doc.Links[:e.file.Epoch()-epoch] {
		older, err := openLink(secret, link)
		clear(secret.Secret[:])
		if err != nil {
			return nil, err
		}
		secret = older
	}
	return secret, nil
}
