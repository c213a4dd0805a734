// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tensorguard/tgsp/container/kit"
)

// kitIndexes are file tables that a trusted author has signed and that cannot be.
func kitIndexes() []kitCase {
	return concat(kitTables(), kitTableLengths(), kitEntries())
}

func kitTables() []kitCase {
	var cases []kitCase
	add := func(name, about string, change func(*indexDoc)) {
		cases = append(cases, kitCase{name: "index " + name, about: about, do: func(f *forge) {
			f.inside(kit.Malformed)
			f.authoredTable(change)
		}})
	}
	for value := range oddValues(0, 64) {
		add("size "+value, "the last file's size is wrong: "+value, func(d *indexDoc) {
			last := &d.Files[len(d.Files)-1]
			last.Size = oddValues(last.Size, 64)[value]
		})
		add("mode "+value, "a file's mode is wrong: "+value, func(d *indexDoc) { d.Files[0].Mode = oddValues(modeFile, 64)[value] })
	}
	for _, mode := range []uint64{0o444, 0o600, 0o4755, 0o2755, 0o1755, 0o777, 0o100644, 0o120777, 0o40755} {
		add(fmt.Sprintf("mode %o", mode), fmt.Sprintf("a file has the mode %o, and only 644 and 755 may be", mode), func(d *indexDoc) { d.Files[0].Mode = mode })
	}
	add("extent past the end", "a file would reach one byte past the payload", func(d *indexDoc) { d.Files[2].Size++ })
	add("extent before the end", "the payload has one byte that belongs to no file", func(d *indexDoc) { d.Files[2].Size-- })
	add("file left out", "a file's bytes are in the payload, and the table does not name it", func(d *indexDoc) { d.Files = d.Files[:2] })
	add("shared bytes", "two files of the payload's whole length: both would have to share its bytes", func(d *indexDoc) {
		d.Files[0].Size, d.Files[2].Size = 820, 820
	})
	add("sizes that wrap", "two sizes add up to the payload's length only modulo 2^64", func(d *indexDoc) {
		d.Files[0].Size, d.Files[2].Size = math.MaxUint64-100, 820+101
	})
	add("size of 8 MiB", "a file of 8 MiB in a small payload", func(d *indexDoc) { d.Files[2].Size = alignFrom })
	add("size at the limit", "a file as large as a payload may be", func(d *indexDoc) { d.Files[2].Size = maxPayload })
	add("no files", "the table names no file, and the payload is not empty", func(d *indexDoc) { d.Files = []Entry{} })
	for name, text := range map[string]string{
		"empty": " ", "list": "[]", "null": "null", "number": "1", "text": `"x"`, "cut": `{"a":`, "two": "{}{}", "comma": `{"a":1,}`, "not UTF-8 escape": `{"a":"\ud800"`,
		"comment": "{} // x", "single quotes": "{'a':1}", "bom": "\ufeff{}", "100 deep": `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}",
	} {
		add("metadata "+name, "the metadata is no JSON object as it may be: "+name, func(d *indexDoc) { d.Metadata = text })
	}
	found := func(file uint64) WeightsEntry { return WeightsEntry{File: file, Info: WeightsInfo{Format: "gguf"}} }
	add("weights of no file", "findings about file number 3 of 3", func(d *indexDoc) { d.Weights = []WeightsEntry{found(3)} })
	add("weights of file 2^64-1", "findings about file number 2^64-1", func(d *indexDoc) { d.Weights = []WeightsEntry{found(math.MaxUint64)} })
	add("weights twice", "two findings about one file", func(d *indexDoc) { d.Weights = []WeightsEntry{found(1), found(1)} })
	add("weights backwards", "findings that are not in the order of the files", func(d *indexDoc) { d.Weights = []WeightsEntry{found(1), found(0)} })
	return cases
}

func kitTableLengths() []kitCase {
	var cases []kitCase
	for value := range oddValues(0, 32) {
		cases = append(cases, kitCase{name: "index table length " + value, about: "the length of the table in the index is wrong: " + value, do: func(f *forge) {
			f.inside(kit.Malformed)
			plain := f.indexPlain()
			n := binary.BigEndian.Uint32(plain)
			binary.BigEndian.PutUint32(plain, uint32(oddValues(uint64(n), 32)[value]))
			f.sealIndex(plain)
			f.authoredIndex()
		}})
	}
	for name, at := range map[string]func(plain []byte) int{
		"first": func(plain []byte) int { return indexPrefix + int(binary.BigEndian.Uint32(plain)) },
		"last":  func(plain []byte) int { return len(plain) - 1 },
	} {
		cases = append(cases, kitCase{name: "index unused byte " + name, about: "the " + name + " byte after the table is not zero", do: func(f *forge) {
			f.inside(kit.Malformed)
			plain := f.indexPlain()
			plain[at(plain)] = 1
			f.sealIndex(plain)
			f.authoredIndex()
		}})
	}
	return cases
}

// kitEntries are entries of the table in other forms than they may have.
func kitEntries() []kitCase {
	var cases []kitCase
	entry := func(name string, change func(e [][]byte) []byte) {
		cases = append(cases, kitCase{name: "index entry " + name, about: "an entry of the table is not what it may be: " + name, do: func(f *forge) {
			f.inside(kit.Malformed)
			doc := f.table()
			first := doc.Files[0]
			list := [][]byte{change([][]byte{encode(first.Path), encode(first.Size), encode(first.Mode), encode(first.SHA256)})}
			for _, e := range doc.Files[1:] {
				list = append(list, encode(e))
			}
			table := takeMap(encode(doc)).with("files", slices.Concat(head(majorArray, len(list)), slices.Concat(list...)))
			f.sealTable(table.encode())
			f.authoredIndex()
		}})
	}
	array := func(items ...[]byte) []byte {
		return slices.Concat(head(majorArray, len(items)), slices.Concat(items...))
	}
	entry("without a hash", func(e [][]byte) []byte { return array(e[:3]...) })
	entry("with a fifth item", func(e [][]byte) []byte { return array(append(e, []byte{0})...) })
	entry("empty", func([][]byte) []byte { return array() })
	entry("null", func([][]byte) []byte { return []byte{0xf6} })
	entry("a map", func(e [][]byte) []byte { return slices.Concat(head(majorMap, 2), slices.Concat(e...)) })
	entry("long array head", func(e [][]byte) []byte { return longHead(array(e...)) })
	entry("indefinite array", func(e [][]byte) []byte { return slices.Concat([]byte{0x9f}, slices.Concat(e...), []byte{0xff}) })
	entry("hash of 31 bytes", func(e [][]byte) []byte { return array(e[0], e[1], e[2], encode(make([]byte, 31))) })
	entry("hash of 33 bytes", func(e [][]byte) []byte { return array(e[0], e[1], e[2], encode(make([]byte, 33))) })
	entry("hash null", func(e [][]byte) []byte { return array(e[0], e[1], e[2], []byte{0xf6}) })
	entry("hash as text", func(e [][]byte) []byte { return array(e[0], e[1], e[2], encode(strings.Repeat("a", 32))) })
	entry("path as bytes", func(e [][]byte) []byte { return array(retype(e[0], majorBytes), e[1], e[2], e[3]) })
	entry("path null", func(e [][]byte) []byte { return array([]byte{0xf6}, e[1], e[2], e[3]) })
	entry("path not UTF-8", func(e [][]byte) []byte { return array([]byte{0x62, 0xc3, 0x28}, e[1], e[2], e[3]) })
	entry("size long", func(e [][]byte) []byte { return array(e[0], longHead(e[1]), e[2], e[3]) })
	entry("size negative", func(e [][]byte) []byte { return array(e[0], []byte{0x38, 0x77}, e[2], e[3]) })
	entry("size as a float", func(e [][]byte) []byte { return array(e[0], []byte{0xf9, 0x57, 0x80}, e[2], e[3]) })
	entry("size null", func(e [][]byte) []byte { return array(e[0], []byte{0xf6}, e[2], e[3]) })
	entry("mode long", func(e [][]byte) []byte { return array(e[0], e[1], longHead(e[2]), e[3]) })
	entry("in another order", func(e [][]byte) []byte { return array(e[1], e[0], e[2], e[3]) })
	return cases
}
