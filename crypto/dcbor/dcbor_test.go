// SPDX-License-Identifier: Apache-2.0

package dcbor

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// sample is a document with a field of every kind.
type sample struct {
	Bytes  []byte            `cbor:"b"`
	Fixed  [2]byte           `cbor:"f"`
	List   []uint64          `cbor:"l"`
	Map    map[string]string `cbor:"m"`
	Number uint64            `cbor:"n"`
	Text   string            `cbor:"t"`
	Maybe  *inner            `cbor:"y,omitempty"`
}

type inner struct {
	Number uint64 `cbor:"n"`
}

func whole() sample {
	return sample{[]byte{1}, [2]byte{2, 3}, []uint64{4}, map[string]string{"k": "v"}, 24, "é", &inner{5}}
}

// wholeBytes is the sample by RFC 8949, written by hand.
var wholeBytes = []byte{
	0xa7, 0x61, 'b', 0x41, 1, 0x61, 'f', 0x42, 2, 3, 0x61, 'l', 0x81, 4, 0x61, 'm', 0xa1, 0x61, 'k', 0x61, 'v',
	0x61, 'n', 0x18, 24, 0x61, 't', 0x62, 0xc3, 0xa9, 0x61, 'y', 0xa1, 0x61, 'n', 5,
}

func TestOneForm(t *testing.T) {
	if got := Encode(whole()); !bytes.Equal(got, wholeBytes) {
		t.Fatalf("%x, want %x", got, wholeBytes)
	}
	var s sample
	if err := Decode(wholeBytes, &s); err != nil || s.Number != 24 || s.Maybe.Number != 5 || s.Map["k"] != "v" {
		t.Errorf("%+v, %v", s, err)
	}
	empty := Encode(sample{})
	if slices.Contains(empty, 0xf6) {
		t.Errorf("null in %x", empty)
	}
	if err := Decode(empty, new(sample)); err != nil {
		t.Error(err)
	}
}

// Every change of a byte gives another document or none, and never two.
func TestEveryByteOfADocument(t *testing.T) {
	for i := range wholeBytes {
		for b := range 256 {
			data := bytes.Clone(wholeBytes)
			data[i] = byte(b)
			var s sample
			if Decode(data, &s) == nil && !bytes.Equal(Encode(s), data) {
				t.Errorf("%x is read as %x", data, Encode(s))
			}
		}
	}
	for n := range wholeBytes {
		if Decode(wholeBytes[:n], new(sample)) == nil {
			t.Errorf("cut to %d bytes", n)
		}
	}
}

func TestOtherForms(t *testing.T) {
	replace := func(old, with string) []byte {
		if bytes.Count(wholeBytes, []byte(old)) != 1 {
			t.Fatalf("%x is not there once", old)
		}
		return bytes.Replace(wholeBytes, []byte(old), []byte(with), 1)
	}
	for name, data := range map[string][]byte{
		"a byte more":             append(bytes.Clone(wholeBytes), 0),
		"long number":             replace("\x18\x18", "\x19\x00\x18"),
		"negative number":         replace("\x18\x18", "\x20"),
		"float":                   replace("\x18\x18", "\xf9\x4e\x00"),
		"NaN":                     replace("\x18\x18", "\xf9\x7e\x00"),
		"tag":                     replace("\x18\x18", "\xc1\x18\x18"),
		"null number":             replace("\x18\x18", "\xf6"),
		"null bytes":              replace("\x61b\x41\x01", "\x61b\xf6"),
		"array for bytes":         replace("\x61b\x41\x01", "\x61b\x81\x01"),
		"bytes too short":         replace("\x42\x02\x03", "\x41\x02"),
		"bytes too long":          replace("\x42\x02\x03", "\x43\x02\x03\x04"),
		"null list":               replace("\x61l\x81\x04", "\x61l\xf6"),
		"indefinite list":         replace("\x61l\x81\x04", "\x61l\x9f\x04\xff"),
		"null map":                replace("\x61m\xa1\x61k\x61v", "\x61m\xf6"),
		"null for what is absent": replace("\x61y\xa1\x61n\x05", "\x61y\xf6"),
		"key twice":               replace("\x61k\x61v", "\x61k\x61v\x61k\x61v"),
		"invalid UTF-8":           replace("\x62\xc3\xa9", "\x62\xc3\x28"),
		"unknown field":           replace("\xa7\x61b", "\xa8\x61a\x00\x61b"),
		"key in capitals":         replace("\x61t", "\x61T"),
		"not sorted":              slices.Concat([]byte{0xa7, 0x61, 'f', 0x42, 2, 3, 0x61, 'b', 0x41, 1}, wholeBytes[10:]),
		"not a map":               {0x80},
		"nothing":                 {},
	} {
		if err := Decode(data, new(sample)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestDecodeUnknown(t *testing.T) {
	for name, v := range map[string]any{
		"empty": map[string]any{}, "all kinds": map[string]any{"b": []byte{1}, "t": "x", "n": uint64(1), "y": true, "l": []any{uint64(1), []any{}}, "m": map[string]any{"a": "b"}},
	} {
		if err := DecodeUnknown(Encode(v)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	deep := func(n int) []byte {
		return append(append([]byte{0xa1, 0x61, 'a'}, bytes.Repeat([]byte{0x81}, n)...), 0x01)
	}
	if err := DecodeUnknown(deep(7)); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want error
	}{
		"null":                   {[]byte{0xf6}, errNull},
		"null inside":            {[]byte{0xa1, 0x61, 'a', 0xf6}, errValue},
		"negative":               {[]byte{0xa1, 0x61, 'a', 0x20}, errValue},
		"float":                  {[]byte{0xa1, 0x61, 'a', 0xf9, 0x3c, 0x00}, errValue},
		"negative in a list":     {[]byte{0xa1, 0x61, 'a', 0x81, 0x20}, errValue},
		"null in a map":          {[]byte{0xa1, 0x61, 'a', 0xa1, 0x61, 'b', 0xf6}, errValue},
		"number as an inner key": {[]byte{0xa1, 0x61, 'a', 0xa1, 0x01, 0x01}, errValue},
		"long number":            {[]byte{0xa1, 0x61, 'a', 0x18, 0x01}, errForm},
		"not sorted":             {[]byte{0xa2, 0x61, 'b', 0x01, 0x61, 'a', 0x01}, errForm},
		"a list":                 {[]byte{0x80}, nil},
		"number as a key":        {[]byte{0xa1, 0x01, 0x01}, nil},
		"too deep":               {deep(8), nil},
		"cut":                    {[]byte{0xa1, 0x61}, nil},
	} {
		err := DecodeUnknown(c.data)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestPeek(t *testing.T) {
	var kind struct {
		Text string `cbor:"t"`
	}
	if err := Peek(wholeBytes, &kind); err != nil || kind.Text != "é" {
		t.Errorf("%q, %v", kind.Text, err)
	}
	if Peek(wholeBytes[:5], &kind) == nil {
		t.Error("a cut document")
	}
}

func TestDecodeFirst(t *testing.T) {
	var s sample
	rest, err := DecodeFirst(append(bytes.Clone(wholeBytes), 0xff, 7), &s)
	if err != nil || !bytes.Equal(rest, []byte{0xff, 7}) || s.Number != 24 {
		t.Errorf("%x, %v", rest, err)
	}
	if rest, err := DecodeFirst(wholeBytes, &s); err != nil || len(rest) > 0 {
		t.Errorf("nothing behind it: %x, %v", rest, err)
	}
	long := bytes.Replace(wholeBytes, []byte{0x18, 24}, []byte{0x19, 0, 24}, 1)
	if _, err := DecodeFirst(append(long, 7), &s); !errors.Is(err, errForm) {
		t.Errorf("a long number: %v", err)
	}
	for n := range wholeBytes {
		if _, err := DecodeFirst(wholeBytes[:n], &s); err == nil {
			t.Errorf("cut to %d bytes", n)
		}
	}
}

func TestArrayHead(t *testing.T) {
	for _, n := range []uint64{0, 1, 23, 24, 255, 256, 65535, 65536, 1<<32 - 1, 1 << 32, 1<<64 - 1} {
		head := Encode(n) // of a number, which differs in the three bits of the kind
		head[0] |= 4 << 5
		got, rest, err := ArrayHead(append(bytes.Clone(head), 7))
		if err != nil || got != n || !bytes.Equal(rest, []byte{7}) {
			t.Errorf("%d: %d, %x, %v", n, got, rest, err)
		}
		for cut := range head {
			if _, _, err := ArrayHead(head[:cut]); err == nil {
				t.Errorf("%d: taken from %x", n, head[:cut])
			}
		}
	}
	for _, head := range []string{
		"\x98\x00", "\x98\x17", "\x99\x00\xff", "\x9a\x00\x00\xff\xff", "\x9b\x00\x00\x00\x00\xff\xff\xff\xff",
		"\x7b", "\x9c", "\x9f\xff", "\xa0", "\xf6", "\x00",
	} {
		if n, _, err := ArrayHead([]byte(head)); err == nil {
			t.Errorf("%x: %d", head, n)
		}
	}
}

func TestEncodePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel was encoded")
		}
	}()
	Encode(make(chan int))
}
