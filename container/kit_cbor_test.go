// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// rawMap is a CBOR map in encoded pieces, which can be put together wrongly.
type rawMap []rawField

type rawField struct{ key, value []byte }

// takeMap takes an encoded map of text keys to pieces.
func takeMap(doc []byte) rawMap {
	var fields map[string]cbor.RawMessage
	if err := cbor.Unmarshal(doc, &fields); err != nil {
		panic(err) // it was encoded a moment ago
	}
	var m rawMap
	for key, value := range fields {
		m = append(m, rawField{encode(key), value})
	}
	slices.SortFunc(m, func(a, b rawField) int { return bytes.Compare(a.key, b.key) })
	return m
}

// head is the first byte of a map or array of at most 23 entries.
func head(major byte, n int) []byte { return []byte{major<<5 | byte(n)} }

// The major types of RFC 8949, section 3.1.
const (
	majorUint  = 0
	majorBytes = 2
	majorText  = 3
	majorArray = 4
	majorMap   = 5
)

func (m rawMap) encode() []byte { return slices.Concat(head(majorMap, len(m)), m.fields()) }

func (m rawMap) fields() []byte {
	var b []byte
	for _, f := range m {
		b = append(append(b, f.key...), f.value...)
	}
	return b
}

func (m rawMap) at(key string) int {
	i := slices.IndexFunc(m, func(f rawField) bool { return bytes.Equal(f.key, encode(key)) })
	if i < 0 {
		panic("no field " + key)
	}
	return i
}

func (m rawMap) get(key string) []byte { return m[m.at(key)].value }

// with replaces the value of a field.
func (m rawMap) with(key string, value []byte) rawMap {
	m = slices.Clone(m)
	m[m.at(key)].value = value
	return m
}

// without leaves a field out.
func (m rawMap) without(key string) rawMap {
	i := m.at(key)
	return slices.Delete(slices.Clone(m), i, i+1)
}

// plus adds a field in its place in the order of keys.
func (m rawMap) plus(key, value []byte) rawMap {
	m = append(slices.Clone(m), rawField{key, value})
	slices.SortStableFunc(m, func(a, b rawField) int { return bytes.Compare(a.key, b.key) })
	return m
}

// kitDocument is one of the documents in a package, and how a changed one gets
// back into it, signed by the author.
type kitDocument struct {
	name string
	take func(f *forge) []byte
	give func(f *forge, doc []byte)
	// inner documents are seen by those alone who can decrypt.
	inner bool
	fleet tgspcrypto.KEM // of a package for a fleet with such keys
	// The fields of the document by the type of their values.
	bytes, text, number, list, dict string
}

func kitDocuments() []kitDocument {
	envelope := func(f *forge) rawMap { return takeMap(encode(f.doc)) }
	return []kitDocument{
		{
			name: "envelope", bytes: "manifest", number: "generation", list: "recipients", dict: "envelope_signature",
			take: func(f *forge) []byte { return encode(f.doc) },
			give: func(f *forge, doc []byte) { f.put(0, doc) },
		},
		{
			name: "envelope signature", bytes: "signature", text: "algorithm",
			take: func(f *forge) []byte { return envelope(f).get("envelope_signature") },
			give: func(f *forge, doc []byte) { f.put(0, envelope(f).with("envelope_signature", doc).encode()) },
		},
		{
			name: "signature", bytes: "signature", text: "algorithm",
			take: func(f *forge) []byte { return f.doc.Signatures[0] },
			give: func(f *forge, doc []byte) { f.signLists("signatures", doc) },
		},
		{
			name: "recipient", bytes: "hint", text: "type",
			take: func(f *forge) []byte { return f.doc.Recipients[0] },
			give: func(f *forge, doc []byte) { f.signLists("recipients", doc) },
		},
		{
			name: "fleet recipient", bytes: "fleet_id", text: "type", number: "epoch", fleet: tgspcrypto.X25519,
			take: func(f *forge) []byte { return f.doc.Recipients[0] },
			give: func(f *forge, doc []byte) { f.signLists("recipients", doc) },
		},
		{
			name: "unknown recipient", bytes: "key", text: "type", number: "n", list: "list", dict: "map",
			take: func(*forge) []byte {
				return encode(map[string]any{"type": "FUTURE", "key": []byte{1, 2}, "n": uint64(7), "list": []any{uint64(1)}, "map": map[string]any{"a": true}})
			},
			give: func(f *forge, doc []byte) { f.signLists("recipients", doc) },
		},
		{
			name: "manifest", bytes: "content_hash", text: "package_id", number: "created_at", dict: "annotations",
			take: func(f *forge) []byte { return f.doc.Manifest },
			give: func(f *forge, doc []byte) { f.release(f.author, doc) },
		},
		{
			name: "policy", number: "not_after",
			take: func(f *forge) []byte { return takeMap(f.doc.Manifest).get("policy_constraints") },
			give: func(f *forge, doc []byte) {
				f.release(f.author, takeMap(f.doc.Manifest).with("policy_constraints", doc).encode())
			},
		},
		{
			name: "index", text: "metadata", list: "files", inner: true,
			take: func(f *forge) []byte { return encode(f.table()) },
			give: func(f *forge, doc []byte) {
				f.sealTable(doc)
				f.authoredIndex()
			},
		},
	}
}

// signLists puts one raw entry into a list of the envelope, in place of all, and
// signs the envelope around it.
func (f *forge) signLists(list string, entry []byte) {
	f.Helper()
	m := takeMap(encode(f.doc)).without("envelope_signature").with(list, slices.Concat(head(majorArray, 1), entry))
	s := newSignature(f.author, EnvelopeType, m.encode())
	f.put(0, m.plus(encode("envelope_signature"), encode(s)).encode())
}

// kitCBOR writes each document of a package in ways that are not its one
// deterministic form.
func kitCBOR() []kitCase {
	var cases []kitCase
	for _, d := range kitDocuments() {
		// Sorted, because a map's order is not the same every time.
		wrong := wrongForms(d)
		for _, what := range slices.Sorted(maps.Keys(wrong)) {
			cases = append(cases, kitCase{
				name: "cbor " + d.name + " " + what, about: fmt.Sprintf("the CBOR of the %s is not what it may be: %s", d.name, what),
				fleet: d.fleet, pack: packKitPolicy,
				do: func(f *forge) {
					switch {
					case d.inner:
						f.inside(kit.Malformed)
					case d.name == "envelope" && what == "no envelope_signature":
						f.refused(kit.Signature)
					default:
						f.refused(kit.Malformed)
					}
					if what == "no metadata" {
						f.opens()
					}
					switch {
					case d.name == "manifest" && what == "no annotations", d.name == "policy" && (what == "no not_before" || what == "no grace_seconds"):
						f.opens()
					case d.name == "unknown recipient" && slices.Contains([]string{"unknown field", "no key", "no n", "no list", "no map", "long map"}, what):
						f.inside(kit.NoKey)
						f.Change = kit.NoKey
					}
					d.give(f, wrong[what](d.take(f)))
				},
			})
		}
	}
	return cases
}

// packKitPolicy has all clauses in a package's policy.
func packKitPolicy(o *PackOptions) {
	o.Policy = kitPolicy
	if o.Fleet != nil {
		o.Policy.TargetFleet = o.Fleet.Fleet[:]
	}
}

// wrongForms are changes of an encoded document, by what they do.
func wrongForms(d kitDocument) map[string]func(doc []byte) []byte {
	forms := map[string]func(doc []byte) []byte{
		"keys not sorted": func(doc []byte) []byte { m := takeMap(doc); slices.Reverse(m); return m.encode() },
		"a key twice":     func(doc []byte) []byte { m := takeMap(doc); return append(m[:1:1], m...).encode() },
		"unknown field":   func(doc []byte) []byte { return takeMap(doc).plus(encode("zz"), encode(uint64(1))).encode() },
		"number as a key": func(doc []byte) []byte { return takeMap(doc).plus([]byte{0x01}, []byte{0x01}).encode() },
		"bytes as a key":  func(doc []byte) []byte { return takeMap(doc).plus([]byte{0x41, 0x61}, []byte{0x01}).encode() },
		"key in capitals": func(doc []byte) []byte { m := takeMap(doc); m[0].key = bytes.ToUpper(m[0].key); return m.encode() },
		"key with a long head": func(doc []byte) []byte {
			m := takeMap(doc)
			m[0].key = longHead(m[0].key)
			return m.encode()
		},
		"long map head": func(doc []byte) []byte {
			m := takeMap(doc)
			return slices.Concat([]byte{0xb8, byte(len(m))}, m.fields())
		},
		"indefinite map": func(doc []byte) []byte { return slices.Concat([]byte{0xbf}, takeMap(doc).fields(), []byte{0xff}) },
		"map head of 2^64": func(doc []byte) []byte {
			return slices.Concat([]byte{0xbb}, bytes.Repeat([]byte{0xff}, 8), takeMap(doc).fields())
		},
		"one field less than its head": func(doc []byte) []byte {
			m := takeMap(doc)
			return slices.Concat(head(majorMap, len(m)+1), m.fields())
		},
		"a byte after the end": func(doc []byte) []byte { return append(slices.Clip(doc), 0) },
		"cut by a byte":        func(doc []byte) []byte { return doc[:len(doc)-1] },
		"empty":                func([]byte) []byte { return nil },
		"an array": func(doc []byte) []byte {
			return slices.Concat(head(majorArray, 2*len(takeMap(doc))), takeMap(doc).fields())
		},
		"null":             func([]byte) []byte { return []byte{0xf6} },
		"tagged":           func(doc []byte) []byte { return append([]byte{0xd9, 0xd9, 0xf7}, doc...) },
		"in a byte string": func(doc []byte) []byte { return encode(doc) },
	}
	if slices.Contains([]string{
		"envelope signature", "signature", "recipient", "fleet recipient", "unknown recipient", "policy",
		"fleet signature", "member", "entry", "absent", "neighbour",
	}, d.name) {
		// Within another document these would be a defect of that one.
		delete(forms, "a byte after the end")
		delete(forms, "cut by a byte")
		delete(forms, "empty")
	}
	change := func(what, field string, value func(old []byte) []byte) {
		if field != "" {
			forms[what] = func(doc []byte) []byte { m := takeMap(doc); return m.with(field, value(m.get(field))).encode() }
		}
	}
	fixed := func(b ...byte) func([]byte) []byte { return func([]byte) []byte { return b } }

	change("long number", d.number, func(old []byte) []byte { return longHead(old) })
	change("number of 8 bytes", d.number, func(old []byte) []byte {
		var n uint64
		if err := cbor.Unmarshal(old, &n); err != nil {
			panic(err)
		}
		return append([]byte{0x1b}, slices.Concat(bytes.Repeat([]byte{0}, 4), []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})...)
	})
	change("negative number", d.number, fixed(0x20))
	change("float for a number", d.number, fixed(0xfa, 0x4e, 0x80, 0x00, 0x00))
	change("bignum for a number", d.number, fixed(0xc2, 0x44, 0x70, 0x00, 0x00, 0x00))
	change("text for a number", d.number, fixed(0x61, 0x31))
	change("null for a number", d.number, fixed(0xf6))
	change("true for a number", d.number, fixed(0xf5))

	change("long length of bytes", d.bytes, longHead)
	change("indefinite bytes", d.bytes, func(old []byte) []byte { return slices.Concat([]byte{0x5f}, old, []byte{0xff}) })
	change("null for bytes", d.bytes, fixed(0xf6))
	change("undefined for bytes", d.bytes, fixed(0xf7))
	change("text for bytes", d.bytes, func(old []byte) []byte { return retype(old, majorText) })
	change("array for bytes", d.bytes, func(old []byte) []byte {
		var b []byte
		if err := cbor.Unmarshal(old, &b); err != nil {
			panic(err)
		}
		numbers := make([]uint64, len(b))
		for i, v := range b {
			numbers[i] = uint64(v)
		}
		return encode(numbers)
	})
	change("base64 tag on bytes", d.bytes, func(old []byte) []byte { return append([]byte{0xd6}, old...) })
	change("bytes of 2^63", d.bytes, fixed(0x5b, 0x80, 0, 0, 0, 0, 0, 0, 0))
	change("bytes of 2^32", d.bytes, fixed(0x5b, 0, 0, 0, 1, 0, 0, 0, 0))

	change("long length of text", d.text, longHead)
	change("indefinite text", d.text, func(old []byte) []byte { return slices.Concat([]byte{0x7f}, old, []byte{0xff}) })
	change("null for text", d.text, fixed(0xf6))
	change("bytes for text", d.text, func(old []byte) []byte { return retype(old, majorBytes) })
	change("number for text", d.text, fixed(0x01))
	change("invalid UTF-8", d.text, fixed(0x62, 0xc3, 0x28))
	change("surrogate in UTF-8", d.text, fixed(0x63, 0xed, 0xa0, 0x80))
	change("overlong UTF-8", d.text, fixed(0x62, 0xc0, 0xaf))

	change("null for a list", d.list, fixed(0xf6))
	change("map for a list", d.list, fixed(0xa0))
	change("bytes for a list", d.list, fixed(0x40))
	change("long list head", d.list, longHead)
	change("indefinite list", d.list, func(old []byte) []byte { return slices.Concat([]byte{0x9f}, old[1:], []byte{0xff}) })
	change("list of 2^32", d.list, fixed(0x9b, 0, 0, 0, 1, 0, 0, 0, 0))
	change("list of 2^63", d.list, fixed(0x9b, 0x80, 0, 0, 0, 0, 0, 0, 0))
	change("list of null", d.list, fixed(0x81, 0xf6))

	change("null for a map", d.dict, fixed(0xf6))
	change("list for a map", d.dict, fixed(0x80))
	change("indefinite inner map", d.dict, func(old []byte) []byte { return slices.Concat([]byte{0xbf}, old[1:], []byte{0xff}) })

	if d.name == "unknown recipient" {
		// What is not known may be of any kind that packages use.
		for _, what := range []string{"text for a number", "true for a number", "text for bytes", "array for bytes", "map for a list", "bytes for a list", "list for a map", "unknown field"} {
			delete(forms, what)
		}
		forms["nested 5 deep"] = func(doc []byte) []byte { return takeMap(doc).with("list", nest(3)).encode() }
		forms["nested 9 deep"] = func(doc []byte) []byte { return takeMap(doc).with("list", nest(9)).encode() }
		forms["nested 1000 deep"] = func(doc []byte) []byte { return takeMap(doc).with("list", nest(1000)).encode() }
		delete(forms, "nested 5 deep")
	}
	for _, f := range documentFields(d) {
		forms["no "+f] = func(doc []byte) []byte { return takeMap(doc).without(f).encode() }
	}
	return forms
}

// documentFields are the fields of a document, each of which is left out once.
func documentFields(d kitDocument) []string {
	switch d.name {
	case "envelope":
		return []string{"generation", "manifest", "signatures", "recipients", "envelope_signature"}
	case "envelope signature", "signature":
		return []string{"algorithm", "public_key", "signature"}
	case "recipient":
		return []string{"type", "hint", "enc", "wrapped_key"}
	case "fleet recipient":
		return []string{"type", "fleet_id", "epoch", "enc", "wrapped_key"}
	case "unknown recipient":
		return []string{"type", "key"}
	case "manifest":
		return []string{
			"format_version", "package_id", "version", "author_id", "created_at", "content_hash", "policy_constraints", "annotations", "suite",
			"leaf_hash", "slot_size", "index_length", "index_hash", "tree_length", "payload_length", "payload_salt", "payload_commitment",
		}
	case "policy":
		return []string{"not_before", "not_after", "grace_seconds"}
	case "index":
		return []string{"files", "folders", "metadata"}
	}
	return nil // whoever has the document knows
}

// longHead writes the length or value in the first bytes one step longer than
// is needed.
func longHead(item []byte) []byte {
	major, info := item[0]&0xe0, item[0]&0x1f
	switch {
	case info < 24:
		return append([]byte{major | 24, info}, item[1:]...)
	case info == 24:
		return append([]byte{major | 25, 0}, item[1:]...)
	case info == 25:
		return append([]byte{major | 26, 0, 0}, item[1:]...)
	}
	return append([]byte{major | 27, 0, 0, 0, 0}, item[1:]...)
}

// retype gives a string another major type.
func retype(item []byte, major byte) []byte {
	return append([]byte{item[0]&0x1f | major<<5}, item[1:]...)
}

// nest is a list in a list, n deep.
func nest(n int) []byte {
	return append(bytes.Repeat(head(majorArray, 1), n-1), head(majorArray, 0)...)
}
