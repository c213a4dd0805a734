// SPDX-License-Identifier: Apache-2.0

package container

import "github.com/tensorguard/tgsp/crypto/dcbor"

// encode returns v as deterministic CBOR.
func encode(v any) []byte { return dcbor.Encode(v) }

// decode reads the part of a package into v, or says that the part is not in
// its one deterministic form.
func decode(part string, data []byte, v any) error { return formOf(part, dcbor.Decode(data, v)) }

// decodeUnknown checks an entry of a type that this reader does not know.
func decodeUnknown(part string, data []byte) error { return formOf(part, dcbor.DecodeUnknown(data)) }

// peek reads those fields of an entry that tell its kind.
func peek(part string, data []byte, v any) error { return formOf(part, dcbor.Peek(data, v)) }

func formOf(part string, err error) error {
	if err != nil {
		return malformed(part, "%v", err)
	}
	return nil
}
