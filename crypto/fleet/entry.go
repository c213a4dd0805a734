// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

const (
	entryLabel = "tgsp/v1 fleet entry\x00"
	// sealedSize is an epoch's secret and the tag of ChaCha20-Poly1305.
	sealedSize = tgspcrypto.EpochSecretSize + 16
)

// AgentID names an agent by the SHA-256 of its serialised public key.
type AgentID [sha256.Size]byte

// NewAgentID returns the name of the agent that has this key.
func NewAgentID(key *tgspcrypto.Recipient) AgentID { return key.Fingerprint() }

// String returns 64 hexadecimal digits.
func (id AgentID) String() string { return hex.EncodeToString(id[:]) }

// ShortID returns the first 8 digits, which are also the short id of its key.
func (id AgentID) ShortID() string { return hex.EncodeToString(id[:tgspcrypto.HintSize]) }

// Entry is the secret of an epoch, encrypted to one agent.
type Entry struct {
	Agent  AgentID `cbor:"agent_id"`
	Enc    []byte  `cbor:"enc"`    // HPKE's encapsulated key
	Sealed []byte  `cbor:"sealed"` // the secret
}

// NewEntry encrypts an epoch's secret to an agent.
func NewEntry(key *tgspcrypto.Recipient, secret *tgspcrypto.EpochSecret) (*Entry, error) {
	e := &Entry{Agent: NewAgentID(key)}
	var err error
	e.Enc, e.Sealed, err = key.Wrap(secret.Secret[:], entryInfo(secret.Fleet, secret.Epoch, e.Agent), nil)
	return e, err
}

// open decrypts an agent's own entry of an epoch.
func (e *Entry) open(identity *tgspcrypto.Identity, id tgspcrypto.FleetID, epoch uint64) (*tgspcrypto.EpochSecret, error) {
	raw, err := identity.Unwrap(e.Enc, e.Sealed, entryInfo(id, epoch, e.Agent), nil)
	if err != nil || len(raw) != tgspcrypto.EpochSecretSize {
		return nil, tgspcrypto.ErrUnwrap
	}
	defer clear(raw)
	s := &tgspcrypto.EpochSecret{Fleet: id, Epoch: epoch}
	copy(s.Secret[:], raw)
	return s, nil
}

// entryInfo binds an entry to its fleet, epoch and agent.
func entryInfo(id tgspcrypto.FleetID, epoch uint64, agent AgentID) []byte {
	sum := sha256.Sum256(slices.Concat([]byte(entryLabel), dcbor.Encode([]any{id, epoch, agent})))
	return sum[:]
}

// EntrySize returns the length in bytes of a packed entry for a kind of key.
func EntrySize(kem tgspcrypto.KEM) int {
	return len(AgentID{}) + kem.EncapsulationSize() + sealedSize
}

// AppendPacked appends the entry as it stands in a list of entries of one kind:
// agent, encapsulated key, secret, of EntrySize bytes in all.
func (e *Entry) AppendPacked(b []byte) []byte {
	return append(append(append(b, e.Agent[:]...), e.Enc...), e.Sealed...)
}

// UnpackEntry is the inverse of AppendPacked for EntrySize bytes.
func UnpackEntry(kem tgspcrypto.KEM, b []byte) (*Entry, error) {
	if len(b) != EntrySize(kem) {
		return nil, malformed("entry", "%d bytes, want %d", len(b), EntrySize(kem))
	}
	e := &Entry{Agent: AgentID(b)}
	b = b[len(e.Agent):]
	n := kem.EncapsulationSize()
	e.Enc, e.Sealed = slices.Clone(b[:n]), slices.Clone(b[n:])
	return e, nil
}

func (e *Entry) validate(kem tgspcrypto.KEM) error {
	if len(e.Enc) != kem.EncapsulationSize() || len(e.Sealed) != sealedSize {
		return malformed("entry", "%d and %d bytes for %s, want %d and %d", len(e.Enc), len(e.Sealed), kem, kem.EncapsulationSize(), sealedSize)
	}
	return nil
}

// hash covers what an entry holds beside the agent's name.
func (e *Entry) hash() Hash { return sha256.Sum256(slices.Concat(e.Enc, e.Sealed)) }

// record is what the tree over all entries holds of one: the agent and a hash,
// so that a neighbour can be shown without its entry.
func record(agent AgentID, hash Hash) []byte { return append(agent[:], hash[:]...) }

// ParseAgentID reads 64 hexadecimal digits.
func ParseAgentID(s string) (id AgentID, err error) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != len(id) {
		return id, malformed("agent_id", "%q: want %d hexadecimal digits", s, hex.EncodedLen(len(id)))
	}
	return AgentID(raw), nil
}
