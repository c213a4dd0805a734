// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsPaths names models, packages and folders in all the ways that Windows has.
func windowsPaths(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	u.model("my model/日本語")
	if err := os.MkdirAll(u.path("out dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := u.does("pack", `my model\日本語`, "-o", `out dir\größe.tgsp`, "--package-id", "acme/model")
	if !strings.Contains(r.Stderr, `tgsp verify "out dir\größe.tgsp"`) {
		t.Errorf("the next command is quoted for another shell: %s", r)
	}
	for _, pkg := range []string{`out dir\größe.tgsp`, "out dir/größe.tgsp", rig.Windows(u.path("out dir/größe.tgsp")), `.\out dir\..\out dir\größe.tgsp`} {
		if r := u.does("ls", pkg); r.Stdout != "config.json\ngröße 日本/weights.bin\n" {
			t.Error(r)
		}
	}
	if r := u.does("cat", `out dir\größe.tgsp`, "größe 日本/weights.bin"); r.Stdout != u.read("my model/日本語/größe 日本/weights.bin") {
		t.Error("cat gives something else")
	}
	u.does("extract", `out dir\größe.tgsp`, `neu\`)
	u.sameTree("my model/日本語", "neu")
	u.refuses(1, []string{"extract", `out dir\größe.tgsp`, "neu"}, "already there", `neu\config.json`)
	u.does("extract", "--force", `out dir\größe.tgsp`, "neu")
	if err := os.MkdirAll(u.path("da"), 0o755); err != nil {
		t.Fatal(err)
	}
	u.does("extract", `out dir\größe.tgsp`, "da")
	for _, dir := range []string{"neu", "da"} {
		u.sameTree("my model/日本語", dir)
	}
	u.refuses(1, []string{"extract", `out dir\größe.tgsp`, `no\where`}, "mkdir "+"no")

	// Another drive, and paths that are longer than the 260 characters of old.
	u.does("pack", `my model\日本語`, "-o", `C:\model.tgsp`)
	u.does("verify", `c:\MODEL.TGSP`)
	long := strings.Repeat("folder of a long name/", 14) + "end"
	u.model(long + "/model")
	for _, prefix := range []string{`\\?\`, ""} {
		name := prefix + rig.Windows(u.path(long))
		u.does("pack", name+`\model`, "-o", name+`\long.tgsp`)
		u.does("verify", name+`\long.tgsp`)
		u.does("extract", name+`\long.tgsp`, name+`\out`)
		u.sameTree(long+"/model", long+"/out")
		if err := os.RemoveAll(u.path(long + "/out")); err != nil {
			t.Fatal(err)
		}
	}
	if left := must(filepath.Glob(u.path(long + "/*")))(t); len(left) != 2 {
		t.Errorf("left behind: %q", left)
	}
	if left := u.left("home", "my model", "out dir", "neu", "da", "folder of a long name"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// windowsReservedNames packs on Linux what Windows could not extract. tgsp.exe meets such
// names where a folder lies on another system.
func windowsReservedNames(t *testing.T, w *rig.Wine) {
	u := newWinUser(t, w)
	for name, why := range map[string]string{
		"nul.txt": "device", "sub/COM1": "device", "aux": "device", "lpt9.bin": "device", "a:b": "':'", `a\b`: `'\\'`, "what?": "'?'", "end.": "dot", "end ": "space",
		"same/x": "the same as",
	} {
		u.model("model")
		u.write("model/"+name, "x")
		if name == "same/x" {
			u.write("model/SAME/x", "x")
		}
		refused(t, u.linux().Run("pack", "model", "-o", "m.tgsp"), 1, why, filepath.Base(name))
		if err := os.RemoveAll(u.path("model")); err != nil {
			t.Fatal(err)
		}
	}
	if left := u.left("home"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	u.write("model/nul.txt", "x")
	u.refuses(1, []string{"pack", "model", "-o", "m.tgsp"}, "nul.txt")
	if left := u.left("home", "model"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
