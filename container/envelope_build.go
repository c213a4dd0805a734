// SPDX-License-Identifier: Apache-2.0

package container

import (
	"github.com/fxamacker/cbor/v2"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// wrapTo replaces the recipients by the one for a fleet, if there is one, or else
// by entries for the given keys.
func (d *envelopeDoc) wrapTo(keys []*tgspcrypto.Recipient, fleet *FleetEpoch, dek []byte) error {
	if fleet == nil {
		return d.wrapAll(keys, dek)
	}
	r, err := wrapForFleet(fleet, dek, d.Manifest)
	if err != nil {
		return err
	}
	d.Recipients = []cbor.RawMessage{r.raw}
	return nil
}

// wrapAll replaces the recipients by entries for the given keys, each key once.
func (d *envelopeDoc) wrapAll(keys []*tgspcrypto.Recipient, dek []byte) error {
	d.Recipients = []cbor.RawMessage{}
	seen := make(map[string]bool)
	for _, key := range keys {
		if seen[key.String()] {
			continue
		}
		seen[key.String()] = true
		r, err := wrapFor(key, dek, d.Manifest)
		if err != nil {
			return err
		}
		d.Recipients = append(d.Recipients, r.raw)
	}
	return nil
}

// sign adds a signature over the manifest.
func (d *envelopeDoc) sign(key *tgspcrypto.AuthorKey) {
	d.Signatures = append(d.Signatures, encode(newSignature(key, ManifestType, d.Manifest)))
}
