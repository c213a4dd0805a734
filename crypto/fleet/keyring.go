// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"slices"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// Keyring is what one agent has of a fleet: the fleet file and, where the agent
// is a member, the keys that its entry leads to.
type Keyring struct {
	*File
	agent  AgentID
	epochs *Epochs // nil where the agent was revoked
}

// Keyring finds what a bundle says of the agent that has one of the identities.
// It returns a *MemberError where it says nothing of it.
func (b *Bundle) Keyring(identities []*tgspcrypto.Identity) (*Keyring, error) {
	for _, identity := range identities {
		key := identity.Recipient()
		agent := NewAgentID(key)
		for i := range b.doc.Members {
			if e := &b.doc.Members[i].Entry; e.Agent == agent && key.KEM() == b.File.KEM() {
				return b.unlock(identity, e)
			}
		}
	}
	for _, identity := range identities {
		agent := NewAgentID(identity.Recipient())
		if b.Absent(agent) {
			return &Keyring{b.File, agent, nil}, nil
		}
	}
	return nil, &MemberError{b.File.ID(), b.File.Name(), b.File.Epoch(), "this file holds no entry for this agent"}
}

func (b *Bundle) unlock(identity *tgspcrypto.Identity, e *Entry) (*Keyring, error) {
	secret, err := e.open(identity, b.File.ID(), b.File.Epoch())
	if err != nil {
		return nil, malformed("entry", "it is this agent's and does not open with its key")
	}
	defer clear(secret.Secret[:])
	epochs, err := b.File.Unlock(secret)
	if err != nil {
		return nil, err
	}
	return &Keyring{b.File, e.Agent, epochs}, nil
}

// Absent reports whether the bundle shows that an agent has no entry.
func (b *Bundle) Absent(agent AgentID) bool {
	return slices.ContainsFunc(b.doc.Absent, func(a absentDoc) bool { return a.Agent == agent })
}

// Agent returns whose keyring it is.
func (k *Keyring) Agent() AgentID { return k.agent }

// Revoked reports whether the fleet file shows that the agent has no entry.
func (k *Keyring) Revoked() bool { return k.epochs == nil }

// Identity returns the key pair of an epoch, or an *EpochError.
func (k *Keyring) Identity(epoch uint64) (*tgspcrypto.Identity, error) {
	if k.epochs == nil {
		return nil, &EpochError{Fleet: k.ID(), Want: epoch}
	}
	return k.epochs.Identity(epoch)
}

// Forget wipes the secret of the epoch: Identity gives no key pair any more.
func (k *Keyring) Forget() {
	if k.epochs != nil {
		k.epochs.Forget()
	}
}

// Single returns the bundle with nothing but what concerns one agent, which is
// all that the agent keeps.
func (b *Bundle) Single(agent AgentID) *Bundle {
	single := NewBundle(b.File)
	for _, m := range b.doc.Members {
		if m.Entry.Agent == agent {
			single.doc.Members = append(single.doc.Members, m)
		}
	}
	for _, a := range b.doc.Absent {
		if a.Agent == agent {
			single.doc.Absent = append(single.doc.Absent, a)
		}
	}
	return single
}
