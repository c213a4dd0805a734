// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"testing"
	"testing/fstest"
)

func foldedTree(t *testing.T, names ...string) *tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, name := range names {
		fsys[name] = &fstest.MapFile{}
	}
	tr, err := newTree(fsys, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestFoldedNamesAreFound(t *testing.T) {
	tr := foldedTree(t, "Config.json", "sub/Straße/ǅ", "sub/ΣΑΣ", "i", "K")
	f := foldNames(tr)
	if f == nil {
		t.Fatal("no two names are one")
	}
	for asked, want := range map[string]string{
		"/": ".", "/Config.json": "Config.json", "/CONFIG.JSON": "Config.json", "/SUB/straSSe": "",
		"/SUB/STRAßE/ǆ": "sub/Straße/ǅ", "/sub/σας": "sub/ΣΑΣ", "/I": "i", "/\u212a": "K", "/sub": "sub", "/Sub": "sub",
		"/config": "", "/sub/no": "", "/Config.json/x": "",
	} {
		it := tr.find(asked, f)
		if (it == nil) != (want == "") || it != nil && it.path != want {
			t.Errorf("%s: found %v, want %q", asked, it, want)
		}
	}
}

func TestCaseMattersWithoutFoldedNames(t *testing.T) {
	tr := foldedTree(t, "Config.json")
	if tr.find("/CONFIG.JSON", nil) != nil || tr.find("/Config.json", nil) == nil {
		t.Error("names are found in another case, or not at all")
	}
}

// Two files that some system takes for one are never one here.
func TestCaseMattersWhereNamesDiffer(t *testing.T) {
	for _, names := range [][]string{
		{"a", "A"}, {"sub/x", "SUB/y"}, {"sub/deep/ä", "sub/deep/Ä"}, {"ı", "I"}, {"İ", "i"}, {"ſ", "s"}, {"ς", "σ"}, {"ǅ", "ǆ"}, {"K", "\u212a"}, {"ẞ", "ß"},
	} {
		if foldNames(foldedTree(t, names...)) != nil {
			t.Errorf("%q are taken for one", names)
		}
	}
	if foldNames(foldedTree(t, "a/x", "b/X", "ss", "ß")) == nil {
		t.Error("different names are taken for one")
	}
}
