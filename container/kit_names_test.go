// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tensorguard/tgsp/container/kit"
)

// kitNames are file tables with names that must be refused, or must not.
func kitNames() []kitCase {
	var cases []kitCase
	one := func(name, path string, want kit.Outcome) {
		cases = append(cases, kitCase{name: "name " + name, about: "a file is called " + strconv.QuoteToASCII(shorten(path)), do: func(f *forge) {
			f.rename(want, func(d *indexDoc) { d.Files[0].Path = path })
		}})
	}
	for name, path := range map[string]string{
		"empty": "", "parent": "../x", "parent inside": "a/../x", "parent at the end": "a/..", "dots": "..", "dot": ".", "dot inside": "a/./x", "absolute": "/x", "root": "/",
		"empty element": "a//b", "slash at the end": "a/", "backslash": `a\b`, "parent by backslash": `..\x`, "drive": "C:x", "drive path": "C:/x", "share": `\\host\x`,
		"stream": "x:y", "nul": "a\x00b", "line end": "a\nb", "escape": "a\x1b[2J", "delete": "a\x7f", "next line": "a\u0085b", "less": "a<b", "greater": "a>b", "quote": `a"b`,
		"bar": "a|b", "question": "a?b", "star": "a*b", "dot at the end": "a.", "space at the end": "a ", "dot at the end of a folder": "a./b", "space at the end of a folder": "a /b",
		"con": "CON", "con small": "con", "con extension": "con.txt", "con folder": "con/x", "con inside": "x/CON", "con and space": "con .txt", "prn": "PRN", "aux": "aux.json", "device nul": "nul",
		"com0": "COM0", "com1": "com1", "com9": "COM9.bin", "com superscript": "com¹", "lpt1": "LPT1", "lpt superscript": "lpt³.x", "conin": "CONIN$", "conout": "conout$",
		"right to left": "a\u202ebin.txt", "left to right mark": "a\u200eb", "zero width space": "a\u200bb", "bom": "\ufeffa", "soft hyphen": "a\u00adb", "line separator": "a\u2028b",
		"paragraph separator": "a\u2029b", "word joiner": "a\u2060b", "tag": "a\U000e0041b", "isolate": "a\u2066b",
		"element of 256 bytes": strings.Repeat("a", 256), "1025 bytes": strings.Repeat(strings.Repeat("a", 204)+"/", 5) + "abcde",
		"element of 256 bytes in two-byte letters": strings.Repeat("ä", 128),
	} {
		one("refused "+name, path, kit.Malformed)
	}
	for name, path := range map[string]string{
		"space": "a b", "dot at the front": ".gitignore", "two dots at the front": "..a", "three dots inside": "a...b", "element of 255 bytes": strings.Repeat("a", 255),
		"1024 bytes": strings.Repeat(strings.Repeat("a", 204)+"/", 5)[:1023] + "b", "umlaut": "ünï", "decomposed": "u\u0308", "japanese": "模型.bin", "joiner": "a\u200db", "non-joiner": "a\u200cb",
		"emoji": "👩\u200d💻", "console": "console", "com": "com", "com10": "com10", "communication": "com1x", "minus": "-rf", "tilde": "~", "percent": "%2e%2e", "dollar": "$HOME",
		"semicolon": "a;b", "ampersand": "a&b", "apostrophe": "it's", "space at the front": " a",
	} {
		one("taken "+name, path, kit.OK)
	}
	several := func(name, about string, want kit.Outcome, change func(*indexDoc)) {
		cases = append(cases, kitCase{name: "names " + name, about: about, do: func(f *forge) { f.rename(want, change) }})
	}
	pair := func(name, a, b string, want kit.Outcome) {
		about := fmt.Sprintf("two files are called %s and %s", strconv.QuoteToASCII(a), strconv.QuoteToASCII(b))
		several(name, about, want, func(d *indexDoc) { d.Files[0].Path, d.Files[1].Path = a, b })
	}
	pair("twice", "x", "x", kit.Malformed)
	pair("by case", "Model.bin", "model.BIN", kit.Malformed)
	pair("by case of a folder", "a/x", "A/y", kit.Malformed)
	pair("by case of an umlaut", "Ä", "ä", kit.Malformed)
	pair("by normalisation", "\u00e9", "e\u0301", kit.Malformed)
	pair("by normalisation and case", "\u00c9", "e\u0301", kit.Malformed)
	pair("by normalisation of a folder", "\u00e9/x", "e\u0301/y", kit.Malformed)
	pair("sharp s", "straße", "STRASSE", kit.Malformed)
	pair("final sigma", "ας", "ασ", kit.Malformed)
	pair("kelvin", "\u212a", "k", kit.Malformed)
	pair("angstrom", "\u212b", "\u00e5", kit.Malformed)
	pair("cherokee", "\u13a0", "\uab70", kit.Malformed)
	pair("ligature", "\ufb01", "fi", kit.Malformed)
	pair("iota below", "\u1fb3", "\u03b1\u03b9", kit.Malformed)
	pair("deseret", "\U00010400", "\U00010428", kit.Malformed)
	pair("order of marks", "a\u0323\u0307", "a\u0307\u0323", kit.Malformed)
	pair("file and folder", "x", "x/y", kit.Malformed)
	pair("folder and file", "x/y", "x", kit.Malformed)
	pair("file and folder by case", "X", "x/y", kit.Malformed)
	pair("alike but different", "rn", "m", kit.OK)
	pair("dotless i", "\u0131", "i", kit.OK)
	pair("dotted i", "\u0130", "i", kit.OK)
	pair("full width", "\uff41", "a", kit.OK)
	pair("superscript", "x\u00b2", "x2", kit.OK)
	pair("cyrillic", "\u0430", "a", kit.OK)
	pair("one folder", "a/x", "a/y", kit.OK)
	several("empty folder", "a folder that holds nothing", kit.OK, func(d *indexDoc) { d.Folders = []string{"nothing/here"} })
	several("folder twice", "a folder that holds nothing is listed twice", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"x", "x"} })
	several("folder that holds a file", "a folder is said to hold nothing, and a file lies in it", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"sub"} })
	several("folder that holds a folder", "a folder is said to hold nothing, and a folder lies in it", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"x", "x/y"} })
	several("folder that is a file", "a folder has the name of a file", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"config.json"} })
	several("folder by case", "a folder has the name of a file but for its case", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"CONFIG.json"} })
	several("folder in a file", "a folder lies in a file", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"config.json/x"} })
	several("folder that leaves", "a folder is called ../x", kit.Malformed, func(d *indexDoc) { d.Folders = []string{"../x"} })
	several("folder without a name", "a folder has an empty name", kit.Malformed, func(d *indexDoc) { d.Folders = []string{""} })
	return cases
}

func shorten(s string) string {
	if len(s) > 100 {
		return s[:40] + "…"
	}
	return s
}

// rename changes names in the table, which the author signs.
func (f *forge) rename(want kit.Outcome, change func(*indexDoc)) {
	f.Helper()
	if want != kit.OK {
		f.inside(want)
		f.authoredTable(change)
		return
	}
	before := f.table().Files
	f.authoredTable(change)
	model := map[string][]byte{}
	for i, e := range f.table().Files {
		model[e.Path] = f.model[before[i].Path]
	}
	f.model = model
	f.opens()
}
