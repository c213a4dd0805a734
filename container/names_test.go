// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoodNames(t *testing.T) {
	for _, p := range []string{
		"a", "config.json", "sub/a", "a b/c d.txt", ".gitattributes", "..a", "a..b", "...a", "ünï/日本語.bin", "e\u0301", "crème",
		"com", "com10", "console.txt", "lpt", "nulls", "con-fig", "aux1", "a\u200db", "👩\u200d🚀", strings.Repeat("x", 255), "$RECYCLE",
		"CONıN$", "a" + strings.Repeat("\u0301", 30) + "b" + strings.Repeat("\u0327", 30), "각", "a'b", "a;b", "a&b", "#1", "%20", "~", "-rf", "a=b", "COM1x.txt",
	} {
		if err := CheckPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestBadNames(t *testing.T) {
	for _, p := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/..", "a/./b", "a/../b", `a\b`, `..\a`, "C:", "c:/a", "a:b", "a:stream",
		"a\x00b", "a\nb", "a\tb", "\x1b[2J", "a\x7f", "a\u0085b", "a<b", "a>b", `a"b`, "a|b", "a?b", "a*b",
		"\xff", "a/\xc3", "a.", "a ", "a/b.", "a./b", "a /b", " ./a.",
		"con", "CON", "Con.txt", "sub/nul", "nul.tar.gz", "AUX", "prn.x", "com1", "COM9.bin", "lpt0", "LPT³", "com¹.x", "conin$", "CONOUT$", "con .txt",
		"a\u202eb", "a\u200bb", "a\u2028b", "a\u2029b", "\ufeffa", "a\u00adb", "a\u2066b",
		strings.Repeat("x", 256), strings.Repeat("x/", maxPath/2) + "yy",
		"a" + strings.Repeat("\u0301", 30) + "\u0327", "a\u0327" + strings.Repeat("\u0301", 30), "é" + strings.Repeat("\u0344", 15),
	} {
		e := new(NameError)
		if err := CheckPath(p); !errors.As(err, &e) {
			t.Errorf("%q: %v", p, err)
		} else if e.Path != p || e.Reason == "" || strings.ContainsAny(e.Error(), "\x00\n\x1b\u202e") {
			t.Errorf("%q: a poor error: %q", p, e.Error())
		}
	}
}

func TestNamesTogether(t *testing.T) {
	for name, c := range map[string]struct {
		files, folders []string
		bad            bool
	}{
		"plain":                  {files: []string{"a", "b/c", "b/d"}, folders: []string{"e", "b/f"}},
		"twice":                  {files: []string{"a", "a"}, bad: true},
		"case":                   {files: []string{"readme", "README"}, bad: true},
		"case of folders":        {files: []string{"sub/a", "Sub/b"}, bad: true},
		"sharp s":                {files: []string{"straße", "STRASSE"}, bad: true},
		"normalisation":          {files: []string{"e\u0301", "\u00e9"}, bad: true},
		"file as folder":         {files: []string{"a", "a/b"}, bad: true},
		"folder then file":       {files: []string{"a/b", "a"}, bad: true},
		"file as folder by case": {files: []string{"a", "A/b"}, bad: true},
		"folder is a file":       {files: []string{"a"}, folders: []string{"a"}, bad: true},
		"folder twice":           {folders: []string{"a", "a"}, bad: true},
		"Cherokee capitals":      {files: []string{"Ꭰ/a", "Ᏽ"}, folders: []string{"Ꮿ"}},
		"Cherokee, first":        {files: []string{"Ꭰ", "ꭰ"}, bad: true},
		"Cherokee, last":         {files: []string{"ꮿ", "Ꮿ"}, bad: true},
		"Cherokee, the others":   {files: []string{"Ᏽ/a", "ᏽ"}, bad: true},
		"Cherokee, the sixth":    {files: []string{"Ᏸ/a", "ᏸ"}, bad: true},
		"folder holds a file":    {files: []string{"a/b"}, folders: []string{"a"}, bad: true},
		"folder holds a folder":  {folders: []string{"a", "a/b"}, bad: true},
		"bad folder":             {folders: []string{"../a"}, bad: true},
	} {
		err := CheckPaths(c.files, c.folders)
		if c.bad != errors.As(err, new(*NameError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNameErrorsSayWhy reads the reasons that a user gets to see.
func TestNameErrorsSayWhy(t *testing.T) {
	const twice, alike = "it stands there twice, or as a file or empty folder and as a folder that holds something", "on some systems it is the same as "
	for want, paths := range map[string][2][]string{
		`name "..": it has the element .., which leads elsewhere`:   {{".."}},
		`name "a/./b": it has the element ., which leads elsewhere`: {{"a/./b"}},
		`name "a": ` + twice:         {{"a", "a"}},
		`name "b": ` + twice:         {{"b", "b/c"}},
		`name "c": ` + twice:         {{"c/d", "c"}},
		`name "d": ` + twice:         {{"d"}, {"d"}},
		`name "E": ` + alike + `"e"`: {{"e", "E"}},
		`name "F": ` + alike + `"f"`: {{"f", "F/g"}},
		`name "G": ` + alike + `"g"`: {{"g/h", "G"}},
		`name "H": ` + alike + `"h"`: {{"h/i", "H/j"}},
		`name "i": ` + twice:         {nil, {"i/j", "i"}},
		`name "j": ` + twice:         {nil, {"j", "j/k"}},
		`name "K": ` + alike + `"k"`: {{"k/l"}, {"K"}},
	} {
		if err := CheckPaths(paths[0], paths[1]); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", paths, err, want)
		}
	}
}

// FuzzCheckPath makes sure that a name that passes stays inside of a folder and
// means what it says.
func FuzzCheckPath(f *testing.F) {
	for _, p := range []string{"a/b", "../a", "/a", "a//b", "con", "a\\b", "ü", "\xff"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if CheckPath(p) != nil {
			return
		}
		if !fs.ValidPath(p) || path.Clean(p) != p || !filepath.IsLocal(filepath.FromSlash(p)) || p == "." {
			t.Errorf("%q passes", p)
		}
	})
}
