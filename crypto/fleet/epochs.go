// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"sync"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Epochs are the key pairs of a fleet's present epoch and of the earlier ones
// that its file links to. It is safe for concurrent use.
type Epochs struct {
	file *File

	mu      sync.Mutex
	present *tgspcrypto.EpochSecret // nil once it is forgotten
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
	kept := *secret
	return &Epochs{file: f, present: &kept}, nil
}

// Forget wipes the secret, for who has opened what there was to open. No epoch is
// reached any more. Key pairs that were handed out stay as they are.
func (e *Epochs) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.present != nil {
		clear(e.present.Secret[:])
		e.present = nil
	}
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
	secret := new(tgspcrypto.EpochSecret)
	if !e.copyTo(secret) {
		return nil, &EpochError{Fleet: e.file.ID(), Want: epoch}
	}
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

// copyTo copies the present secret, unless it is forgotten.
func (e *Epochs) copyTo(secret *tgspcrypto.EpochSecret) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.present == nil {
		return false
	}
	*secret = *e.present
	return true
}
