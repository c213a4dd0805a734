// SPDX-License-Identifier: Apache-2.0

package container

import (
	"crypto/sha256"
	"slices"

	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// EnvelopeType is the DSSE payload type of the envelope's signature.
const EnvelopeType = "application/vnd.tgsp.envelope.v1+cbor"

// envelopeDoc is the envelope as it stands in a slot (FORMAT.md, section 4).
// Without its last field it is what the envelope's signature covers.
type envelopeDoc struct {
	Generation        uint64            `cbor:"generation"`
	Manifest          []byte            `cbor:"manifest"`
	Signatures        []cbor.RawMessage `cbor:"signatures"`
	Recipients        []cbor.RawMessage `cbor:"recipients"`
	EnvelopeSignature *signature        `cbor:"envelope_signature,omitempty"`
}

// signature is one Ed25519 signature with the key that checks it. That the key
// stands here makes nobody trust it.
type signature struct {
	Algorithm string   `cbor:"algorithm"`
	PublicKey [32]byte `cbor:"public_key"`
	Signature [64]byte `cbor:"signature"`
}

func newSignature(key *tgspcrypto.AuthorKey, payloadType string, body []byte) *signature {
	s := &signature{Algorithm: tgspcrypto.SignatureEd25519}
	copy(s.PublicKey[:], key.Public().Bytes())
	copy(s.Signature[:], key.Sign(payloadType, body))
	return s
}

// verify checks the signature and returns the key that made it.
func (s *signature) verify(payloadType string, body []byte) (tgspcrypto.AuthorPublicKey, error) {
	key, err := tgspcrypto.NewAuthorPublicKey(s.PublicKey[:])
	if err != nil {
		return key, &SignatureError{Reason: "a signature's public key: " + err.Error()}
	}
	if !key.Verify(payloadType, body, s.Signature[:]) {
		return key, &SignatureError{key.String(), "it is wrong: what was signed was changed"}
	}
	return key, nil
}

// Envelope is one state of the part of a package that can change: manifest,
// signatures and recipients. All its signatures were found right; whether the
// keys are trusted is another question.
type Envelope struct {
	doc        envelopeDoc
	manifest   *Manifest
	recipients []*Recipient
	signers    []tgspcrypto.AuthorPublicKey // of the manifest, known algorithms only
	signer     tgspcrypto.AuthorPublicKey   // of the envelope
	unknown    []string                     // algorithms of signatures that were skipped
}

// Generation counts the changes since packing, from 1.
func (e *Envelope) Generation() uint64 { return e.doc.Generation }

// Manifest returns what the author signed.
func (e *Envelope) Manifest() *Manifest { return e.manifest }

// ManifestHash identifies this release of the package, whatever its recipients.
func (e *Envelope) ManifestHash() Hash { return sha256.Sum256(e.doc.Manifest) }

// Recipients returns who can open the package, as anybody can read it.
func (e *Envelope) Recipients() []*Recipient { return e.recipients }

// Signers returns the keys that signed the manifest, the author's among them.
func (e *Envelope) Signers() []tgspcrypto.AuthorPublicKey { return e.signers }

// UnknownSignatures returns the algorithms of signatures that this reader skipped.
func (e *Envelope) UnknownSignatures() []string { return e.unknown }

// Signer returns the key that signed the envelope.
func (e *Envelope) Signer() tgspcrypto.AuthorPublicKey { return e.signer }

// Author returns the public key of the author that the manifest names, which
// parseEnvelope found among the signers.
func (e *Envelope) Author() tgspcrypto.AuthorPublicKey {
	i := slices.IndexFunc(e.signers, func(k tgspcrypto.AuthorPublicKey) bool { return k.ID() == e.manifest.AuthorID })
	return e.signers[i]
}

func (e *Envelope) signedBy(key tgspcrypto.AuthorPublicKey) bool {
	return slices.Contains(e.signers, key)
}

// parseEnvelope decodes an envelope of a package strictly and then checks all its
// signatures. It returns a *FormatError or, where the form is right, a
// *SignatureError.
func parseEnvelope(data []byte, l layout) (*Envelope, error) {
	const part = "envelope"
	e := new(Envelope)
	if err := decode(part, data, &e.doc); err != nil {
		return nil, err
	}
	if e.doc.Generation == 0 {
		return nil, malformed("envelope.generation", "0, and they are counted from 1")
	}
	if len(e.doc.Recipients) > maxRecipients || len(e.doc.Signatures) > maxSignatures {
		return nil, malformed(part, "%d recipients and %d signatures, and at most %d and %d are allowed",
			len(e.doc.Recipients), len(e.doc.Signatures), maxRecipients, maxSignatures)
	}
	var err error
	if e.manifest, err = parseManifest(e.doc.Manifest); err != nil {
		return nil, err
	}
	if e.manifest.layout() != l {
		return nil, malformed("manifest", "its numbers are not the preamble's")
	}
	for _, raw := range e.doc.Recipients {
		r, err := parseRecipient(raw)
		if err != nil {
			return nil, err
		}
		e.recipients = append(e.recipients, r)
	}
	signatures, err := e.parseSignatures()
	if err != nil {
		return nil, err
	}
	return e, e.checkSignatures(signatures)
}

// parseSignatures returns the signatures over the manifest that it knows, none of
// which was checked.
func (e *Envelope) parseSignatures() ([]*signature, error) {
	const part = "envelope.signatures"
	if s := e.doc.EnvelopeSignature; s != nil && s.Algorithm != tgspcrypto.SignatureEd25519 {
		return nil, malformed("envelope.envelope_signature", "unknown algorithm %q", s.Algorithm)
	}
	var known []*signature
	for _, raw := range e.doc.Signatures {
		var tag struct {
			Algorithm string `cbor:"algorithm"`
		}
		if err := peek(part, raw, &tag); err != nil {
			return nil, err
		}
		switch tag.Algorithm {
		case tgspcrypto.SignatureEd25519:
		case "":
			return nil, malformed(part, "an entry without an algorithm")
		default: // from a later version
			if err := decodeUnknown(part, raw); err != nil {
				return nil, err
			}
			e.unknown = append(e.unknown, tag.Algorithm)
			continue
		}
		s := new(signature)
		if err := decode(part, raw, s); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(known, func(k *signature) bool { return k.PublicKey == s.PublicKey }) {
			return nil, malformed(part, "two signatures by one key")
		}
		known = append(known, s)
	}
	return known, nil
}

// checkSignatures verifies the envelope's signature and those over the manifest,
// and demands the author's.
func (e *Envelope) checkSignatures(signatures []*signature) (err error) {
	s := e.doc.EnvelopeSignature
	if s == nil {
		return &SignatureError{Reason: "the envelope is not signed"}
	}
	if e.signer, err = s.verify(EnvelopeType, e.doc.signed()); err != nil {
		return err
	}
	for _, s := range signatures {
		key, err := s.verify(ManifestType, e.doc.Manifest)
		if err != nil {
			return err
		}
		e.signers = append(e.signers, key)
	}
	for _, key := range e.signers {
		if key.ID() == e.manifest.AuthorID {
			return nil
		}
	}
	return &SignatureError{Reason: "the author's signature over the manifest is missing"}
}

// signed returns what the envelope's signature covers.
func (d *envelopeDoc) signed() []byte {
	unsigned := *d
	unsigned.EnvelopeSignature = nil
	return encode(unsigned)
}

// seal signs the envelope and returns it as a reader would see it.
func (d *envelopeDoc) seal(key *tgspcrypto.AuthorKey, l layout) (*Envelope, error) {
	d.EnvelopeSignature = newSignature(key, EnvelopeType, d.signed())
	return parseEnvelope(encode(*d), l)
}
