// SPDX-License-Identifier: Apache-2.0

package container

import (
	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// wrapAll replaces the recipients by entries for the given keys, each key once.
func (d *envelopeDoc) wrapAll(keys []*tgspcrypto.Recipient, dek []byte) error {
	d.Recipients = []cbor.RawMessage{}
	seen := make(map[string]bool)
	for _, key := range keys {
		if seen[key.String()] {
			continue
		}
		seen[key.String()] = true
		if err := d.wrap(key, dek); err != nil {
			return err
		}
	}
	return nil
}

func (d *envelopeDoc) wrap(key *tgspcrypto.Recipient, dek []byte) error {
	r, err := wrapFor(key, dek, d.Manifest)
	if err != nil {
		return err
	}
	d.Recipients = append(d.Recipients, r.raw)
	return nil
}

// sign adds a signature over the manifest.
func (d *envelopeDoc) sign(key *tgspcrypto.AuthorKey) {
	d.Signatures = append(d.Signatures, encode(newSignature(key, ManifestType, d.Manifest)))
}
