// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
)

// seedTables are the tables in the indexes of the frozen packages that open.
func seedTables(f *testing.F) [][]byte {
	f.Helper()
	ids := append(frozenIdentities(f, tgspcrypto.X25519), frozenIdentities(f, tgspcrypto.MLKEM768X25519)...)
	trust := &Trust{Keys: []TrustedKey{{Key: frozenAuthor(f).Public(), Role: RoleAuthor}}}
	var all [][]byte
	for _, data := range seedPackages(f) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			continue
		}
		a, err := file.Accept(trust)
		if err != nil {
			continue
		}
		if r, err := a.Open(Facts{Now: created}, ids); err == nil {
			all = append(all, encode(r.contents().index))
		}
	}
	return append(all,
		encode(indexDoc{Files: []Entry{}, Folders: []string{}}),
		encode(indexDoc{Files: []Entry{{Path: "a", Size: alignFrom, Mode: modeFile}, {Path: "b/c", Size: alignFrom + 1, Mode: modeExecutable}}, Folders: []string{"d"}}),
		encode(indexDoc{Files: []Entry{{Path: "a", Size: 1 << 63, Mode: modeFile}}, Folders: []string{"d"}}),
	)
}

// indexPlain is a table as it stands in an index.
func indexPlain(table []byte, padding int) []byte {
	plain := binary.BigEndian.AppendUint32(nil, uint32(len(table)))
	return append(append(plain, table...), make([]byte, padding)...)
}

// tableEnd is where the files of a table end, as far as it can be read.
func tableEnd(table []byte) int64 {
	var doc indexDoc
	if dcbor.Peek(table, &doc) != nil {
		return 0
	}
	_, end, _ := extents(doc.Files)
	return end
}

// FuzzIndex makes sure that an index that is taken has one form, and that its
// files lie in the payload one behind the other.
func FuzzIndex(f *testing.F) {
	for _, table := range seedTables(f) {
		f.Add(table, uint16(7))
	}
	f.Fuzz(func(t *testing.T, table []byte, padding uint16) {
		end := tableEnd(table)
		plain := indexPlain(table, int(padding))
		inMemory(t, len(plain), func() {
			doc, starts, err := parseIndex(plain, end)
			typed(t, err)
			if err != nil {
				return
			}
			if !bytes.Equal(encode(doc), table) || !isDeterministicMap(table) {
				t.Errorf("%x comes back as %x", table, encode(doc))
			}
			at := int64(0)
			for i, entry := range doc.Files {
				if starts[i] < at || starts[i]-at >= leafPlaintext || entry.Size >= alignFrom && starts[i]%leafPlaintext != 0 || !fs.ValidPath(entry.Path) {
					t.Errorf("%+v at %d, the one before ends at %d", entry, starts[i], at)
				}
				at = starts[i] + int64(entry.Size)
			}
			if at != end {
				t.Errorf("the last file ends at %d, the payload at %d", at, end)
			}
			for _, w := range doc.Weights {
				_ = doc.Files[w.File]
			}
		})
	})
}

// FuzzMetadata makes sure that metadata that is taken is a JSON object which
// any reader can parse, also by recursion.
func FuzzMetadata(f *testing.F) {
	for _, text := range []string{frozenMetadata, "{}", "null", "[]", "{}{}", `{"a":"\u00e9\\\"[","b":[[{}]]}`, "{\"a\":\"\xff\"}", nested(maxMetadataNesting), nested(maxMetadataNesting + 1)} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inMemory(t, len(data), func() {
			err := CheckMetadata(data)
			typed(t, err)
			if err != nil {
				return
			}
			deepest, depth := 0, 0
			d := json.NewDecoder(bytes.NewReader(data))
			d.UseNumber() // JSON's numbers have no largest
			for {
				token, err := d.Token()
				if err != nil {
					break
				}
				switch token {
				case json.Delim('{'), json.Delim('['):
					depth++
				case json.Delim('}'), json.Delim(']'):
					depth--
				}
				deepest = max(deepest, depth)
			}
			if !json.Valid(data) || bytes.TrimSpace(data)[0] != '{' || depth != 0 || deepest > maxMetadataNesting {
				t.Errorf("%q passes, %d levels deep", data, deepest)
			}
		})
	})
}

// FuzzCheckPaths makes sure that names that pass together are apart on every
// system.
func FuzzCheckPaths(f *testing.F) {
	for _, s := range []string{"a/b\nA/c", "straße\nSTRASSE", "e\u0301\n\u00e9", "a\na/b", "a\nb/c\nd/", "d/\nd/e/", "K\nk", "ﬀ\nff", "ǆ\nǅ", "İ\ni̇", "ς/a\nσ/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 400 {
			return // pairs are compared
		}
		var files, folders []string
		for _, name := range strings.Split(s, "\n") {
			if folder, is := strings.CutSuffix(name, "/"); is {
				folders = append(folders, folder)
			} else {
				files = append(files, name)
			}
		}
		if CheckPaths(files, folders) != nil {
			return
		}
		all := append(files, folders...)
		for i, a := range all {
			for _, b := range all[i+1:] {
				for _, form := range []norm.Form{norm.NFC, norm.NFD} {
					x, y := form.String(a), form.String(b)
					if strings.EqualFold(x, y) || strings.HasPrefix(x, y+"/") || strings.HasPrefix(y, x+"/") {
						t.Errorf("%q and %q pass together", a, b)
					}
				}
			}
		}
	})
}
