// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitEnvelopes are about signatures, recipients and the two slots.
func kitEnvelopes() []kitCase {
	return concat(kitSignatures(), kitRecipients(), kitSlots())
}

func kitSignatures() []kitCase {
	// signed has the author sign an envelope with this list of signatures.
	signed := func(name, about string, want kit.Outcome, change func(f *forge)) kitCase {
		return kitCase{name: "signatures " + name, about: about, vary: want == kit.Signature, do: func(f *forge) {
			if want == kit.OK {
				f.opens()
			} else {
				f.refused(want)
			}
			change(f)
			f.resign(f.author)
		}}
	}
	own := func(f *forge, change func(*signature)) {
		s := newSignature(f.author, ManifestType, f.doc.Manifest)
		change(s)
		f.doc.Signatures = []cbor.RawMessage{encode(s)}
	}
	future := func(i int) cbor.RawMessage {
		return encode(map[string]any{"algorithm": fmt.Sprint("ML-DSA-", i), "signature": []byte{1, 2}})
	}
	return []kitCase{
		signed("none", "the list of signatures is empty", kit.Signature, func(f *forge) { f.doc.Signatures = []cbor.RawMessage{} }),
		signed("stranger only", "only a stranger has signed the manifest", kit.Signature, func(f *forge) {
			f.doc.Signatures = nil
			f.doc.sign(f.stranger)
		}),
		signed("changed", "one bit of the author's signature is changed", kit.Signature, func(f *forge) { own(f, func(s *signature) { s.Signature[3] ^= 1 }) }),
		signed("other key", "the author's signature stands beside a stranger's key", kit.Signature, func(f *forge) {
			own(f, func(s *signature) { copy(s.PublicKey[:], f.stranger.Public().Bytes()) })
		}),
		signed("zero", "the signature is all zero", kit.Signature, func(f *forge) { own(f, func(s *signature) { s.Signature = [64]byte{} }) }),
		signed("low order", "the signature is one that any message has under a key of small order", kit.Signature, func(f *forge) {
			own(f, func(s *signature) { s.PublicKey = [32]byte{1}; s.Signature = [64]byte{1} })
		}),
		signed("unreduced key", "a second signature is by a key whose coordinate is not reduced", kit.Signature, func(f *forge) {
			s := newSignature(f.manager, ManifestType, f.doc.Manifest)
			s.PublicKey = [32]byte(bytes.Repeat([]byte{0xff}, 32))
			f.doc.Signatures = append(f.doc.Signatures, encode(s))
		}),
		signed("as envelope", "the author's signature over the manifest was made for the type of envelopes", kit.Signature, func(f *forge) {
			f.doc.Signatures = []cbor.RawMessage{encode(newSignature(f.author, EnvelopeType, f.doc.Manifest))}
		}),
		signed("over a hash", "the author has signed the hash of the manifest", kit.Signature, func(f *forge) {
			sum := wrapInfo(f.doc.Manifest)
			f.doc.Signatures = []cbor.RawMessage{encode(newSignature(f.author, ManifestType, sum))}
		}),
		signed("wrong beside right", "a wrong signature by a stranger stands beside the author's", kit.Signature, func(f *forge) {
			f.doc.Signatures = append(f.doc.Signatures, encode(newSignature(f.stranger, ManifestType, []byte("x"))))
		}),
		signed("twice", "the author's signature stands there twice", kit.Malformed, func(f *forge) {
			f.doc.Signatures = append(f.doc.Signatures, f.doc.Signatures[0])
		}),
		signed("17", "17 signatures, one more than there may be", kit.Malformed, func(f *forge) {
			for i := range maxSignatures {
				f.doc.Signatures = append(f.doc.Signatures, future(i))
			}
		}),
		signed("16", "16 signatures, of which 15 are of algorithms to come", kit.OK, func(f *forge) {
			for i := range maxSignatures - 1 {
				f.doc.Signatures = append(f.doc.Signatures, future(i))
			}
		}),
		signed("unknown algorithm", "a signature of an algorithm to come stands beside the author's: it is skipped", kit.OK, func(f *forge) {
			f.doc.Signatures = append(f.doc.Signatures, future(65))
		}),
		signed("unknown algorithm only", "the only signature is of an algorithm to come", kit.Signature, func(f *forge) { f.doc.Signatures = []cbor.RawMessage{future(65)} }),
		signed("no algorithm", "an entry among the signatures names no algorithm", kit.Malformed, func(f *forge) {
			f.doc.Signatures = append(f.doc.Signatures, encode(map[string]any{"signature": []byte{1}}))
		}),
		signed("empty algorithm", "an entry among the signatures has an empty algorithm", kit.Malformed, func(f *forge) {
			f.doc.Signatures = append(f.doc.Signatures, encode(map[string]any{"algorithm": ""}))
		}),
		signed("generation 0", "the envelope's generation is 0", kit.Malformed, func(f *forge) { f.doc.Generation = 0 }),
		signed("generation 2^64-1", "the envelope's generation is the last that can be counted: it opens, and no change can follow", kit.OK, func(f *forge) {
			f.Change = kit.Malformed
			f.doc.Generation = math.MaxUint64
		}),
		{name: "envelope unsigned", about: "the envelope has no signature", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.doc.EnvelopeSignature = nil
			f.put(0, encode(f.doc))
		}},
		{name: "envelope signature changed", about: "one bit of the envelope's signature is changed", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.doc.EnvelopeSignature.Signature[0] ^= 1
			f.put(0, encode(f.doc))
		}},
		{name: "envelope signed by a stranger", about: "a stranger has signed the envelope anew", vary: true, do: func(f *forge) {
			f.refused(kit.Untrusted)
			f.resign(f.stranger)
		}},
		{name: "envelope signed as a manifest", about: "the envelope's signature was made for the type of manifests", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.doc.EnvelopeSignature = newSignature(f.author, ManifestType, f.doc.signed())
			f.put(0, encode(f.doc))
		}},
		{name: "envelope signed by low order", about: "the envelope is signed under a key of small order", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.doc.EnvelopeSignature = &signature{Algorithm: tgspcrypto.SignatureEd25519, PublicKey: [32]byte{1}, Signature: [64]byte{1}}
			f.put(0, encode(f.doc))
		}},
		{name: "envelope signed by unknown means", about: "the envelope's own signature is of an algorithm to come", vary: true, do: func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.EnvelopeSignature.Algorithm = "ML-DSA-65"
			f.put(0, encode(f.doc))
		}},
		{name: "generation changed", about: "the generation was raised without signing the envelope anew", vary: true, do: func(f *forge) {
			f.refused(kit.Signature)
			f.doc.Generation++
			f.put(0, encode(f.doc))
		}},
		{name: "planted signature", about: "a stranger has added a signature and signed the envelope: nobody trusted may be made to sign that", vary: true, do: func(f *forge) {
			f.refused(kit.Untrusted)
			f.doc.sign(f.stranger)
			f.resign(f.stranger)
		}},
	}
}

func kitRecipients() []kitCase {
	signed := func(name, about string, change func(f *forge)) kitCase {
		return kitCase{name: "recipients " + name, about: about, do: func(f *forge) {
			change(f)
			f.resign(f.author)
		}}
	}
	entry := func(f *forge) *stanza {
		r, err := parseRecipient(f.doc.Recipients[0])
		check(f, err)
		return r.stanza
	}
	noKey := func(f *forge) {
		f.inside(kit.NoKey)
		f.Change = kit.NoKey
	}
	replace := func(f *forge, change func(*stanza)) {
		s := entry(f)
		change(s)
		f.doc.Recipients = []cbor.RawMessage{encode(s)}
	}
	future := func(i int) cbor.RawMessage {
		return encode(map[string]any{"type": fmt.Sprint("FUTURE-", i), "key": []byte{1}, "more": map[string]any{"a": []any{uint64(1), "x", true}}})
	}
	return []kitCase{
		signed("none", "there is no recipient", func(f *forge) {
			noKey(f)
			f.doc.Recipients = []cbor.RawMessage{}
		}),
		signed("hint", "the hint of the reader's entry is another key's", func(f *forge) {
			noKey(f)
			replace(f, func(s *stanza) { s.Hint[0] ^= 1 })
		}),
		signed("wrapped key", "one bit of the wrapped key is changed", func(f *forge) {
			noKey(f)
			replace(f, func(s *stanza) { s.WrappedKey[0] ^= 1 })
		}),
		signed("encapsulation", "one bit of the encapsulated key is changed", func(f *forge) {
			noKey(f)
			replace(f, func(s *stanza) { s.Enc[0] ^= 1 })
		}),
		signed("zero point", "the encapsulated key is the point of order 1", func(f *forge) {
			noKey(f)
			replace(f, func(s *stanza) { clear(s.Enc) })
		}),
		signed("short wrapped key", "the wrapped key is one byte short", func(f *forge) {
			f.refused(kit.Malformed)
			replace(f, func(s *stanza) { s.WrappedKey = s.WrappedKey[1:] })
		}),
		signed("long wrapped key", "the wrapped key is one byte long", func(f *forge) {
			f.refused(kit.Malformed)
			replace(f, func(s *stanza) { s.WrappedKey = append(s.WrappedKey, 0) })
		}),
		signed("short encapsulation", "the encapsulated key is one byte short", func(f *forge) {
			f.refused(kit.Malformed)
			replace(f, func(s *stanza) { s.Enc = s.Enc[1:] })
		}),
		signed("other type", "an X25519 entry calls itself MLKEM768-X25519", func(f *forge) {
			f.refused(kit.Malformed)
			replace(f, func(s *stanza) { s.Type = tgspcrypto.MLKEM768X25519 })
		}),
		signed("same hint", "an entry that opens nothing has the reader's hint and stands before the right one", func(f *forge) {
			f.opens()
			decoy, right := entry(f), f.doc.Recipients[0]
			decoy.WrappedKey[0] ^= 1
			f.doc.Recipients = []cbor.RawMessage{encode(decoy), right}
		}),
		signed("unknown type", "an entry of a type to come stands before the reader's: it is skipped", func(f *forge) {
			f.opens()
			f.doc.Recipients = []cbor.RawMessage{future(1), f.doc.Recipients[0]}
		}),
		signed("unknown type only", "the only entry is of a type to come", func(f *forge) {
			noKey(f)
			f.doc.Recipients = []cbor.RawMessage{future(1)}
		}),
		signed("no type", "an entry has no type", func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.Recipients = append(f.doc.Recipients, encode(map[string]any{"key": []byte{1}}))
		}),
		signed("empty type", "an entry has an empty type", func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.Recipients = append(f.doc.Recipients, encode(map[string]any{"type": ""}))
		}),
		signed("1024", "1,024 entries, of which all but one are of types to come", func(f *forge) {
			f.opens()
			// No entry more: 1,024 is the limit.
			f.Change = kit.Malformed
			for len(f.doc.Recipients) < maxRecipients {
				f.doc.Recipients = append(f.doc.Recipients, encode(map[string]any{"type": "F"}))
			}
		}),
		signed("1025", "1,025 entries, one more than there may be", func(f *forge) {
			f.refused(kit.Malformed)
			for len(f.doc.Recipients) <= maxRecipients {
				f.doc.Recipients = append(f.doc.Recipients, encode(map[string]any{"type": "F"}))
			}
		}),
		signed("8192 bytes", "an entry of a type to come takes 8,192 bytes", func(f *forge) {
			f.opens()
			f.doc.Recipients = append(f.doc.Recipients, paddedEntry(maxStanza))
		}),
		signed("8193 bytes", "an entry of a type to come takes 8,193 bytes, one more than it may", func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.Recipients = append(f.doc.Recipients, paddedEntry(maxStanza+1))
		}),
	}
}

// paddedEntry is an entry of an unknown type of exactly size bytes.
func paddedEntry(size int) cbor.RawMessage {
	entry := func(n int) cbor.RawMessage {
		return encode(map[string]any{"type": "FUTURE", "x": make([]byte, n)})
	}
	return entry(size - len(entry(1000)) + 1000)
}

func kitSlots() []kitCase {
	slots := func(name, about string, do func(f *forge)) kitCase {
		return kitCase{name: "slots " + name, about: about, vary: strings.HasPrefix(name, "forged") || strings.HasPrefix(name, "older"), do: do}
	}
	return []kitCase{
		slots("forged generation", "slot B holds the envelope signed by a stranger, with the highest generation: the author's is taken", func(f *forge) {
			f.unfinished()
			f.doc.Generation = math.MaxUint64
			f.resignIn(1, f.stranger)
		}),
		slots("forged recipient", "slot B holds a later envelope by a stranger, with one more recipient: the author's is taken", func(f *forge) {
			f.unfinished()
			f.doc.Generation++
			f.addRecipient(f.other.Recipient())
			f.resignIn(1, f.stranger)
		}),
		slots("older beside newer", "slot A holds the envelope before a change, and slot B the one after it", func(f *forge) {
			f.unfinished()
			f.doc.Generation++
			f.addRecipient(f.other.Recipient())
			f.resignIn(1, f.author)
		}),
		slots("newer beside older", "slot A holds the envelope after a change, and slot B the one before it", func(f *forge) {
			f.unfinished()
			copy(f.slot(1), f.slot(0))
			f.doc.Generation++
			f.addRecipient(f.other.Recipient())
			f.resignIn(0, f.author)
		}),
		slots("older alone", "the envelope before a change was put back: it is genuine, and only a memory of the newer one could tell", func(f *forge) {
			f.opens()
		}),
		slots("equal generations", "both slots hold envelopes of one generation: slot A is taken, whose recipient is the reader", func(f *forge) {
			f.unfinished()
			recipients := f.doc.Recipients
			f.doc.Recipients = nil
			f.addRecipient(f.other.Recipient())
			f.resignIn(1, f.author)
			f.doc.Recipients = recipients
			f.resignIn(0, f.author)
		}),
		slots("same envelope", "both slots hold the same envelope", func(f *forge) {
			f.unfinished()
			copy(f.slot(1), f.slot(0))
		}),
		slots("torn write", "slot B holds the front of an envelope", func(f *forge) {
			f.unfinished()
			copy(f.slot(1)[:600], f.slot(0))
		}),
		slots("stray byte", "slot B is zero but for its last byte", func(f *forge) {
			f.unfinished()
			b := f.slot(1)
			b[len(b)-1] = 1
		}),
		slots("older with a damaged newer", "slot A holds the author's envelope, and slot B a later one with a changed bit", func(f *forge) {
			f.unfinished()
			f.doc.Generation++
			f.resignIn(1, f.author)
			f.slot(1)[200] ^= 1
		}),
		slots("both damaged", "a bit of a signature is changed in both slots", func(f *forge) {
			f.refused(kit.Signature)
			f.doc.EnvelopeSignature.Signature[9] ^= 1
			f.put(0, encode(f.doc))
			copy(f.slot(1), f.slot(0))
		}),
		slots("both malformed", "the envelopes of both slots are cut off", func(f *forge) {
			f.refused(kit.Malformed)
			env := encode(f.doc)
			f.put(0, env[:len(env)-1])
			f.put(1, env[:len(env)-1])
		}),
		slots("malformed and wrong", "slot A has a wrong signature and slot B is cut off: the structure counts first", func(f *forge) {
			f.refused(kit.Malformed)
			f.doc.EnvelopeSignature.Signature[9] ^= 1
			env := encode(f.doc)
			f.put(0, env)
			f.put(1, env[:len(env)-1])
		}),
		slots("both empty", "both slots are zero", func(f *forge) {
			f.refused(kit.Malformed)
			clear(f.slot(0))
		}),
		slots("both strangers", "both slots hold envelopes signed by a stranger", func(f *forge) {
			f.refused(kit.Untrusted)
			f.Public, f.Verify = kit.Unfinished, kit.Unfinished
			f.resignIn(0, f.stranger)
			f.doc.Generation++
			f.resignIn(1, f.stranger)
		}),
		slots("renewed beside older", "slot B holds a renewed manifest of the author, and slot A the one before it", func(f *forge) {
			f.unfinished()
			old := bytes.Clone(f.slot(0))
			f.doc.Generation++
			f.authored(func(m *Manifest) { m.Policy.NotAfter += 86400 })
			copy(f.slot(1), f.slot(0))
			copy(f.slot(0), old)
		}),
		slots("of different packages", "slot B holds the envelope of another package of the author, with the same lengths and a later generation", func(f *forge) {
			f.refused(kit.Altered)
			f.Public, f.Verify = kit.Unfinished, kit.Unfinished
			f.Change, f.Repair = kit.OK, kit.OK
			g := newForge(f.T, "foreign", f.model, nil)
			g.doc.Generation++
			g.resignIn(1, g.author)
			copy(f.slot(1), g.slot(1))
		}),
	}
}
