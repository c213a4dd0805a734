// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/tensorguard/tgsp/container/kit"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// kitStructure are about lengths, offsets, unused space and the file's ends.
func kitStructure() []kitCase {
	return concat(kitPreamble(), kitEnds(), kitSlotLengths(), kitManifestNumbers())
}

// oddValues are what a length field is set to, beside the right value v.
func oddValues(v uint64, bits int) map[string]uint64 {
	values := map[string]uint64{"0": 0, "less": v - 1, "more": v + 1, "2^31": 1 << 31, "2^31-1": 1<<31 - 1, "2^32-1": math.MaxUint32}
	if bits == 64 {
		values["2^32"], values["2^60"], values["2^63"], values["2^63-1"], values["2^64-1"] = 1<<32, 1<<60, 1<<63, 1<<63-1, math.MaxUint64
		values["2^62 more"] = v + 1<<62
	}
	return values
}

func kitPreamble() []kitCase {
	var cases []kitCase
	add := func(name, about string, do func(f *forge)) {
		cases = append(cases, kitCase{name: "preamble " + name, about: about, do: func(f *forge) {
			f.refused(kit.Malformed)
			do(f)
		}})
	}
	for _, field := range []struct {
		name string
		at   int
		bits int
	}{{"version", atVersion, 32}, {"slot size", atSlotSize, 32}, {"index length", atIndex, 64}, {"tree length", atTree, 64}, {"payload length", atPayload, 64}} {
		right := func(f *forge) uint64 {
			if field.bits == 32 {
				return uint64(binary.BigEndian.Uint32(f.data[field.at:]))
			}
			return binary.BigEndian.Uint64(f.data[field.at:])
		}
		for value := range oddValues(0, field.bits) {
			add(field.name+" "+value, fmt.Sprintf("the preamble's %s is wrong: %s", field.name, value), func(f *forge) {
				v := oddValues(right(f), field.bits)[value]
				if field.bits == 32 {
					binary.BigEndian.PutUint32(f.data[field.at:], uint32(v))
				} else {
					binary.BigEndian.PutUint64(f.data[field.at:], v)
				}
			})
		}
	}
	add("little endian", "the preamble's numbers are written backwards", func(f *forge) {
		for _, at := range []int{atIndex, atTree, atPayload} {
			slices.Reverse(f.data[at : at+8])
		}
	})
	add("larger slots", "the slots are 4 KiB larger than the manifest says, with zeros added", func(f *forge) {
		l := f.layout
		l.slotSize += pageSize
		f.data = slices.Concat(l.encode(), f.slot(0), make([]byte, pageSize), f.slot(1), make([]byte, pageSize), f.data[f.layout.indexOffset():])
	})
	add("longer payload", "the payload is 65,600 bytes longer than the manifest says, and so are preamble, tree and file", func(f *forge) {
		l := f.layout
		l.payload += LeafSize
		l.tree = treeSize(l.leaves())
		g := slices.Concat(l.encode(), f.slot(0), f.slot(1), f.index(), f.tree(), make([]byte, 32))
		g = append(g, make([]byte, l.payloadOffset()-int64(len(g)))...)
		f.data = slices.Concat(g, make([]byte, LeafSize), f.chunks())
	})
	for name, magic := range map[string]string{
		"no magic": "\x00\x00\x00\x00\x00\x00\x00\x00", "seven bits": "\x09TGSP\r\n\x1a", "line ends": "\x89TGSP\n\n\x1a", "no end of text": "\x89TGSP\r\n\x00",
		"lower case": "\x89tgsp\r\n\x1a", "zip": "PK\x03\x04\x00\x00\x00\x00", "age": "age-encr",
	} {
		add(name, "the file starts with other bytes than a package", func(f *forge) { copy(f.data, magic) })
	}
	for _, at := range []int{40, 41, 100, 2048, 4095} {
		add(fmt.Sprint("unused byte ", at), fmt.Sprintf("the preamble's unused byte %d is not zero", at), func(f *forge) { f.data[at] = 1 })
	}
	return cases
}

func kitEnds() []kitCase {
	var cases []kitCase
	cut := func(name string, keep func(f *forge) int64) {
		cases = append(cases, kitCase{name: "cut " + name, about: "the file is cut off: " + name, do: func(f *forge) {
			f.refused(kit.Malformed)
			f.data = f.data[:keep(f)]
		}})
	}
	for _, n := range []int64{0, 1, 7, 8, 40, 4095, 4096, 4097} {
		cut(fmt.Sprint("to ", n, " bytes"), func(*forge) int64 { return n })
	}
	cut("in slot a", func(f *forge) int64 { return f.layout.slotOffset(0) + 500 })
	cut("before slot b", func(f *forge) int64 { return f.layout.slotOffset(1) })
	cut("before the index", func(f *forge) int64 { return f.layout.indexOffset() })
	cut("in the index", func(f *forge) int64 { return f.layout.indexOffset() + 100 })
	cut("before the tree", func(f *forge) int64 { return f.layout.treeOffset() })
	cut("before the gap", func(f *forge) int64 { return f.layout.gapOffset() })
	cut("before the payload", func(f *forge) int64 { return f.layout.payloadOffset() })
	cut("by the last tag", func(f *forge) int64 { return int64(len(f.data)) - tgspcrypto.ChunkOverhead })
	cut("by one byte", func(f *forge) int64 { return int64(len(f.data)) - 1 })
	longer := func(name string, more []byte) {
		cases = append(cases, kitCase{name: "longer by " + name, about: "after the payload the file goes on: " + name, do: func(f *forge) {
			f.refused(kit.Malformed)
			f.data = append(slices.Clip(f.data), more...)
		}})
	}
	longer("a zero", []byte{0})
	longer("a byte", []byte{0x61})
	longer("a page of zeros", make([]byte, pageSize))
	longer("a chunk", make([]byte, tgspcrypto.EncryptedChunkSize))
	cases = append(cases,
		kitCase{name: "cut at a chunk", about: "the payload is cut between two chunks, and the preamble's payload length with it", model: leafyModel, do: func(f *forge) {
			f.refused(kit.Malformed)
			l := f.layout
			l.payload = 2*tgspcrypto.EncryptedChunkSize + tgspcrypto.ChunkOverhead
			l.tree = treeSize(l.leaves())
			f.recut(l)
		}},
		kitCase{name: "cut at a chunk after its tag", about: "the payload ends with a full chunk, which no encrypted message does, and preamble and tree fit", model: leafyModel, do: func(f *forge) {
			f.refused(kit.Malformed)
			l := f.layout
			l.payload = 2 * tgspcrypto.EncryptedChunkSize
			l.tree = treeSize(l.leaves())
			f.recut(l)
		}},
		kitCase{name: "two packages in one file", about: "a second genuine package follows the first", do: func(f *forge) {
			f.refused(kit.Malformed)
			f.data = slices.Concat(f.data, f.data)
		}},
		kitCase{name: "zeros before", about: "a page of zeros stands before the package", do: func(f *forge) {
			f.refused(kit.Malformed)
			f.data = slices.Concat(make([]byte, pageSize), f.data)
		}},
	)
	return cases
}

// recut writes the file anew for a shorter layout.
func (f *forge) recut(l layout) {
	head := slices.Concat(l.encode(), f.slot(0), f.slot(1), f.index(), f.tree()[:l.tree])
	head = append(head, make([]byte, l.payloadOffset()-int64(len(head)))...)
	f.data = slices.Concat(head, f.chunks()[:l.payload])
}

func kitSlotLengths() []kitCase {
	var cases []kitCase
	for value := range oddValues(0, 32) {
		cases = append(cases, kitCase{name: "slot length " + value, about: "the length of the envelope in slot A is wrong: " + value, do: func(f *forge) {
			f.refused(kit.Malformed)
			n := binary.BigEndian.Uint32(f.slot(0))
			binary.BigEndian.PutUint32(f.slot(0), uint32(oddValues(uint64(n), 32)[value]))
		}})
	}
	for _, e := range []struct {
		name  string
		value func(f *forge) uint32
	}{
		{"fills the slot", func(f *forge) uint32 { return uint32(f.layout.slotSize - slotPrefix) }},
		{"one past the slot", func(f *forge) uint32 { return uint32(f.layout.slotSize - slotPrefix + 1) }},
		{"both slots", func(f *forge) uint32 { return uint32(2 * f.layout.slotSize) }},
	} {
		cases = append(cases, kitCase{name: "slot length " + e.name, about: "the length of the envelope in slot A is wrong: it " + e.name, do: func(f *forge) {
			f.refused(kit.Malformed)
			binary.BigEndian.PutUint32(f.slot(0), e.value(f))
		}})
	}
	for name, at := range map[string]func(f *forge) int{
		"first": func(f *forge) int { return slotPrefix + len(encode(f.doc)) },
		"some":  func(*forge) int { return 30_000 },
		"last":  func(f *forge) int { return int(f.layout.slotSize) - 1 },
	} {
		cases = append(cases, kitCase{name: "slot unused byte " + name, about: "the " + name + " byte after the envelope in slot A is not zero", do: func(f *forge) {
			f.refused(kit.Malformed)
			f.slot(0)[at(f)] = 0x80
		}})
	}
	return cases
}

// kitManifestNumbers are numbers that the author has signed and that cannot be.
func kitManifestNumbers() []kitCase {
	var cases []kitCase
	fields := map[string]func(m *Manifest) *uint64{
		"format_version": func(m *Manifest) *uint64 { return &m.FormatVersion },
		"slot_size":      func(m *Manifest) *uint64 { return &m.SlotSize },
		"index_length":   func(m *Manifest) *uint64 { return &m.IndexLength },
		"tree_length":    func(m *Manifest) *uint64 { return &m.TreeLength },
		"payload_length": func(m *Manifest) *uint64 { return &m.PayloadLength },
	}
	for field, number := range fields {
		for value := range oddValues(0, 64) {
			cases = append(cases, kitCase{name: "manifest " + field + " " + value, about: fmt.Sprintf("the author has signed a wrong %s: %s", field, value), do: func(f *forge) {
				f.refused(kit.Malformed)
				f.authored(func(m *Manifest) { n := number(m); *n = oddValues(*n, 64)[value] })
			}})
		}
	}
	for name, change := range map[string]func(m *Manifest){
		"created_at after 9999": func(m *Manifest) { m.CreatedAt = maxTime + 1 },
		"created_at 2^64-1":     func(m *Manifest) { m.CreatedAt = math.MaxUint64 },
		"not_before after 9999": func(m *Manifest) { m.Policy.NotAfter, m.Policy.NotBefore = 0, maxTime+1; m.Policy.GraceSeconds = 0 },
		"not_after 2^63":        func(m *Manifest) { m.Policy.NotAfter = 1 << 63 },
		"not_after 2^64-1":      func(m *Manifest) { m.Policy.NotAfter = math.MaxUint64 },
		"grace 2^63":            func(m *Manifest) { m.Policy.GraceSeconds = 1 << 63 },
		"grace 2^64-1":          func(m *Manifest) { m.Policy.GraceSeconds = math.MaxUint64 },
		"grace alone":           func(m *Manifest) { m.Policy.NotAfter = 0 },
		"empty window":          func(m *Manifest) { m.Policy.NotAfter = m.Policy.NotBefore },
		"window backwards":      func(m *Manifest) { m.Policy.NotBefore, m.Policy.NotAfter = m.Policy.NotAfter, m.Policy.NotBefore },
		"fleet of 31 bytes":     func(m *Manifest) { m.Policy.TargetFleet = make([]byte, 31) },
		"fleet of 33 bytes":     func(m *Manifest) { m.Policy.TargetFleet = make([]byte, 33) },
		"suite unknown":         func(m *Manifest) { m.Suite = "AEAD_AES_128_GCM" },
		"suite empty":           func(m *Manifest) { m.Suite = "" },
		"suite in lower case":   func(m *Manifest) { m.Suite = "aead_aes_256_gcm" },
		"leaf hash unknown":     func(m *Manifest) { m.LeafHash = "SHA-1" },
		"leaf hash empty":       func(m *Manifest) { m.LeafHash = "" },
		"id empty":              func(m *Manifest) { m.PackageID = "" },
		"id in capitals":        func(m *Manifest) { m.PackageID = "Kit/model" },
		"id with a space":       func(m *Manifest) { m.PackageID = "kit model" },
		"id with a line end":    func(m *Manifest) { m.PackageID = "kit/model\n" },
		"id of 129 bytes":       func(m *Manifest) { m.PackageID = string(bytes.Repeat([]byte("a"), 129)) },
		"version empty":         func(m *Manifest) { m.Version = "" },
		"version 1":             func(m *Manifest) { m.Version = "1" },
		"version v1.0.0":        func(m *Manifest) { m.Version = "v1.0.0" },
		"version 01.0.0":        func(m *Manifest) { m.Version = "01.0.0" },
		"version 1.0.0-":        func(m *Manifest) { m.Version = "1.0.0-" },
		"version of 129 bytes":  func(m *Manifest) { m.Version = "1.0.0-" + string(bytes.Repeat([]byte("a"), 123)) },
		"16 KiB and a byte":     padManifest(maxManifest + 1),
	} {
		cases = append(cases, kitCase{name: "manifest " + name, about: "the author has signed a manifest that cannot be: " + name, do: func(f *forge) {
			f.refused(kit.Malformed)
			f.authored(change)
		}})
	}
	cases = append(cases, kitCase{name: "manifest 16 KiB", about: "a manifest of 16 KiB, which is the limit", do: func(f *forge) {
		f.opens()
		f.authored(padManifest(maxManifest))
	}})
	return cases
}

// padManifest brings a manifest to exactly size bytes.
func padManifest(size int) func(m *Manifest) {
	return func(m *Manifest) {
		m.Annotations = map[string]string{"note": string(bytes.Repeat([]byte("x"), 1000))}
		more := size - len(encode(m))
		m.Annotations["note"] = string(bytes.Repeat([]byte("x"), 1000+more))
	}
}
