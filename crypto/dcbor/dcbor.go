// SPDX-License-Identifier: Apache-2.0

// Package dcbor reads and writes CBOR in its one deterministic form, the core
// deterministic encoding of RFC 8949, section 4.2.1, and refuses all else: for
// documents that are signed, two texts of which must never mean the same.
package dcbor

import (
	"bytes"
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// MaxElements bounds the entries of an array or a map.
const MaxElements = 32 << 20

var (
	errForm  = errors.New("not deterministic CBOR (RFC 8949, section 4.2)")
	errNull  = errors.New("want a map, not null")
	errArray = errors.New("want an array of a definite length")
	errValue = errors.New("a value of a kind that packages do not use")
)

// codecs are the two directions.
type codecs struct {
	enc  cbor.EncMode
	dec  cbor.DecMode
	peek cbor.DecMode // for one field of a document of a kind not known yet
}

var codec = newCodecs()

func newCodecs() codecs {
	det := cbor.CoreDetEncOptions()
	// Documents have no null: one that was read as an empty list must not be
	// written as null again, or the comparison in Decode would let it pass.
	det.NilContainers = cbor.NilContainerAsEmpty
	opts := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		UTF8:              cbor.UTF8RejectInvalid,
		MaxNestedLevels:   8,
		MaxArrayElements:  MaxElements,
		MaxMapPairs:       MaxElements,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		NaN:               cbor.NaNDecodeForbidden,
		Inf:               cbor.InfDecodeForbidden,
	}
	lenient := opts
	lenient.ExtraReturnErrors = cbor.ExtraDecErrorNone
	return codecs{must(det.EncMode()), must(opts.DecMode()), must(lenient.DecMode())}
}

func must[M any](mode M, err error) M {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

// Encode returns v as deterministic CBOR. It panics for types that CBOR cannot
// express, which no document of ours has.
func Encode(v any) []byte {
	b, err := codec.enc.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// Decode reads one document into v and refuses everything that is not its one
// deterministic form: the library's strictest options still let unsorted keys,
// long integers and null for a byte string pass, so the result is encoded again
// and compared.
func Decode(data []byte, v any) error {
	if err := codec.dec.Unmarshal(data, v); err != nil {
		return err
	}
	if !bytes.Equal(Encode(v), data) {
		return errForm
	}
	return nil
}

// DecodeFirst is Decode for data that begins with a document. It returns what
// follows.
func DecodeFirst(data []byte, v any) (rest []byte, err error) {
	if rest, err = codec.dec.UnmarshalFirst(data, v); err != nil {
		return nil, err
	}
	if !bytes.Equal(Encode(v), data[:len(data)-len(rest)]) {
		return nil, errForm
	}
	return rest, nil
}

// ArrayHead reads the head of an array, for who decodes the elements one by one.
// It returns how many there are by what the head says, and what follows it.
func ArrayHead(data []byte) (elements uint64, rest []byte, err error) {
	const array, oneByte, eightBytes = 4 << 5, 24, 27
	if len(data) == 0 || data[0] < array || data[0] > array+eightBytes {
		return 0, nil, errArray
	}
	elements, rest = uint64(data[0]-array), data[1:]
	if elements < oneByte {
		return elements, rest, nil
	}
	size := 1 << (elements - oneByte)
	if len(rest) < size {
		return 0, nil, errArray
	}
	elements = 0
	for _, b := range rest[:size] {
		elements = elements<<8 | uint64(b)
	}
	if elements < max(oneByte, uint64(1)<<(4*size)) { // which has a shorter head
		return 0, nil, errForm
	}
	return elements, rest[size:], nil
}

// DecodeUnknown checks a document of a type that this reader does not know: it
// must be a map in its deterministic form, of text keys, unsigned integers,
// booleans, text, bytes, arrays and maps, so that two readers never see two
// documents in the same bytes.
func DecodeUnknown(data []byte) error {
	var v map[string]any
	if err := codec.dec.Unmarshal(data, &v); err != nil {
		return err
	}
	if v == nil { // the library takes null for a map
		return errNull
	}
	for _, field := range v {
		if !plainValue(field) {
			return errValue
		}
	}
	if !bytes.Equal(Encode(v), data) {
		return errForm
	}
	return nil
}

// Peek reads those fields of a document that tell its kind. It says nothing
// about the rest.
func Peek(data []byte, v any) error { return codec.peek.Unmarshal(data, v) }

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
