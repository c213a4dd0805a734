// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"

	"github.com/fxamacker/cbor/v2"
)

// maxElements bounds arrays and maps: more entries than the largest index holds.
const maxElements = maxIndex / 8

// codecs are the two directions of deterministic CBOR (RFC 8949, section 4.2).
type codecs struct {
	enc  cbor.EncMode
	dec  cbor.DecMode
	peek cbor.DecMode // for one field of a document of a kind not known yet
}

var codec = newCodecs()

func newCodecs() codecs {
	det := cbor.CoreDetEncOptions()
	// Packages have no null: one that was read as an empty list must not be
	// written as null again, or the comparison in decode would let it pass.
	det.NilContainers = cbor.NilContainerAsEmpty
	enc, err := det.EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	opts := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxElements,
		MaxMapPairs:       maxElements,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
	}
	dec, err := opts.DecMode()
	if err != nil {
		panic(err)
	}
	opts.ExtraReturnErrors = cbor.ExtraDecErrorNone
	peek, err := opts.DecMode()
	if err != nil {
		panic(err)
	}
	return codecs{enc, dec, peek}
}

// encode returns v as deterministic CBOR.
func encode(v any) []byte {
	b, err := codec.enc.Marshal(v)
	if err != nil {
		panic(err) // only types that CBOR cannot express, which none of ours has
	}
	return b
}

// decode reads one document into v and refuses everything that is not its one
// deterministic form: the library's strictest options still let unsorted keys,
// long integers and null for a byte string pass, so the result is encoded again
// and compared.
func decode(part string, data []byte, v any) error {
	if err := codec.dec.Unmarshal(data, v); err != nil {
		return malformed(part, "%v", err)
	}
	if !bytes.Equal(encode(v), data) {
		return malformed(part, "not deterministic CBOR (RFC 8949, section 4.2)")
	}
	return nil
}

// decodeUnknown checks a document of a type that this reader does not know: it
// must be a map in its deterministic form, of text keys, unsigned integers,
// booleans, text, bytes, arrays and maps, so that two readers never see two
// documents in the same bytes.
func decodeUnknown(part string, data []byte) error {
	var v map[string]any
	if err := codec.dec.Unmarshal(data, &v); err != nil {
		return malformed(part, "%v", err)
	}
	if v == nil { // the library takes null for a map
		return malformed(part, "want a map, not null")
	}
	for _, field := range v {
		if !plainValue(field) {
			return malformed(part, "a value of a kind that packages do not use")
		}
	}
	if !bytes.Equal(encode(v), data) {
		return malformed(part, "not deterministic CBOR (RFC 8949, section 4.2)")
	}
	return nil
}

// peek reads those fields of a document that tell its kind.
func peek(part string, data []byte, v any) error {
	if err := codec.peek.Unmarshal(data, v); err != nil {
		return malformed(part, "%v", err)
	}
	return nil
}

func plainValue(v any) bool {
	switch v := v.(type) {
	case uint64, bool, string, []byte:
		return true
	case []any:
		for _, item := range v {
			if !plainValue(item) {
				return false
			}
		}
		return true
	case map[any]any:
		for key, item := range v {
			if _, text := key.(string); !text || !plainValue(item) {
				return false
			}
		}
		return true
	}
	return false
}
