// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// wrapLabel separates the info of a package's key wrap from other uses of HPKE.
const wrapLabel = "tgsp/v1 wrap\x00"

// wrappedKeySize is the data key and the tag of ChaCha20-Poly1305.
const wrappedKeySize = tgspcrypto.KeySize + 16

// maxStanza bounds one recipient, of a known or an unknown type.
const maxStanza = 8 << 10

// stanzaPublic is what the key wrap authenticates as additional data.
type stanzaPublic struct {
	Type tgspcrypto.KEM            `cbor:"type"`
	Hint [tgspcrypto.HintSize]byte `cbor:"hint"`
}

// stanza is one recipient's copy of the data key (FORMAT.md, section 6).
type stanza struct {
	Type       tgspcrypto.KEM            `cbor:"type"`
	Hint       [tgspcrypto.HintSize]byte `cbor:"hint"`
	Enc        []byte                    `cbor:"enc"`
	WrappedKey []byte                    `cbor:"wrapped_key"`
}

// Recipient is one entry of a package's list of recipients, as anybody can read it.
type Recipient struct {
	Type  string   // "X25519", "MLKEM768-X25519", one of these after "fleet-", or a type that this reader does not know
	Hint  []byte   // the first bytes of the key's fingerprint; empty for fleets and unknown types
	Fleet *FleetID // of an entry for a fleet; else nil
	Epoch uint64   // of that fleet

	raw    cbor.RawMessage
	stanza *stanza // nil for fleets and unknown types
	fleet  *fleetStanza
}

// String returns type and short id, as listings show a recipient.
func (r *Recipient) String() string {
	switch {
	case r.Fleet != nil:
		return fmt.Sprintf("%s %s epoch %d", r.Type, r.Fleet.ShortID(), r.Epoch)
	case len(r.Hint) == 0:
		return r.Type
	}
	return r.Type + " " + hex.EncodeToString(r.Hint)
}

// Matches reports whether the entry is, by its hint, for this key.
func (r *Recipient) Matches(key *tgspcrypto.Recipient) bool {
	return r.stanza != nil && r.stanza.Type == key.KEM() && r.stanza.Hint == key.Hint()
}

// KEM returns the kind of key that the entry is encrypted to, or "" where this
// reader does not know its type.
func (r *Recipient) KEM() tgspcrypto.KEM {
	switch {
	case r.stanza != nil:
		return r.stanza.Type
	case r.fleet != nil:
		kem, _ := fleetKEM(r.fleet.Type)
		return kem
	}
	return ""
}

func parseRecipient(raw cbor.RawMessage) (*Recipient, error) {
	const part = "envelope.recipients"
	if len(raw) > maxStanza {
		return nil, malformed(part, "an entry of %d bytes, and at most %d are allowed", len(raw), maxStanza)
	}
	var tag struct {
		Type string `cbor:"type"`
	}
	if err := peek(part, raw, &tag); err != nil {
		return nil, err
	}
	if kem, ok := fleetKEM(tag.Type); ok {
		return parseFleetRecipient(raw, kem)
	}
	size := tgspcrypto.KEM(tag.Type).EncapsulationSize()
	if size == 0 {
		if tag.Type == "" {
			return nil, malformed(part, "an entry without a type")
		}
		// A type from a later version: its bytes stay as they are.
		return &Recipient{Type: tag.Type, raw: raw}, decodeUnknown(part, raw)
	}
	s := new(stanza)
	if err := decode(part, raw, s); err != nil {
		return nil, err
	}
	if err := checkWrapped(tag.Type, s.Enc, s.WrappedKey, size); err != nil {
		return nil, err
	}
	return &Recipient{Type: tag.Type, Hint: s.Hint[:], raw: raw, stanza: s}, nil
}

func checkWrapped(kind string, enc, wrapped []byte, encSize int) error {
	if len(enc) == encSize && len(wrapped) == wrappedKeySize {
		return nil
	}
	return malformed("envelope.recipients", "a %s entry with %d and %d bytes, want %d and %d", kind, len(enc), len(wrapped), encSize, wrappedKeySize)
}

// wrapInfo binds a wrapped key to the manifest beside it: with one byte of the
// manifest changed no stanza opens, also for somebody who moves it.
func wrapInfo(manifest []byte) []byte {
	sum := sha256.Sum256(slices.Concat([]byte(wrapLabel), manifest))
	return sum[:]
}

// wrapFor makes the entry of one recipient.
func wrapFor(key *tgspcrypto.Recipient, dek, manifest []byte) (*Recipient, error) {
	public := stanzaPublic{key.KEM(), key.Hint()}
	enc, wrapped, err := key.Wrap(dek, wrapInfo(manifest), encode(public))
	if err != nil {
		return nil, err
	}
	return parseRecipient(encode(stanza{public.Type, public.Hint, enc, wrapped}))
}

// unwrap returns the data key by the first identity that opens an entry, or else
// by the keys of the fleets that this agent is in.
func unwrap(recipients []*Recipient, manifest []byte, facts Facts, identities []*tgspcrypto.Identity) ([]byte, error) {
	info := wrapInfo(manifest)
	for _, identity := range identities {
		key := identity.Recipient()
		for _, r := range recipients {
			if !r.Matches(key) {
				continue
			}
			s := r.stanza
			dek, err := identity.Unwrap(s.Enc, s.WrappedKey, info, encode(stanzaPublic{s.Type, s.Hint}))
			if err == nil && len(dek) == tgspcrypto.KeySize {
				return dek, nil
			}
			// A hint may be another key's, and a planted entry opens nothing: go on.
		}
	}
	dek, missing := unwrapFleet(recipients, info, facts)
	if dek != nil {
		return dek, nil
	}
	e := &NoKeyError{Tried: len(identities), Epoch: missing}
	for _, r := range recipients {
		e.Recipients = append(e.Recipients, r.String())
	}
	return nil, e
}
