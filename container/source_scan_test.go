// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestScanExcludesOnlyFile makes sure that a folder whose only file is left out
// counts as one that holds nothing.
func TestScanExcludesOnlyFile(t *testing.T) {
	dir := tree(t, "a", "out/m.tgsp", "deep/er/m.tgsp", "other/b")
	s, err := Scan(dir, SourceOptions{Exclude: []string{filepath.Join(dir, "out/m.tgsp"), filepath.Join(dir, "deep/er/m.tgsp"), filepath.Join(dir, "missing")}})
	wantPaths(t, s, err, "a", "other/b", "deep/er/", "out/")
	if !slices.Equal(s.Left, []string{"deep/er/m.tgsp", "out/m.tgsp"}) {
		t.Errorf("left out: %q", s.Left)
	}
}

// TestScanFileWithBadName makes sure that the error names the file as it lies on disk.
func TestScanFileWithBadName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nul.gguf")
	check(t, os.WriteFile(file, []byte("x"), 0o600))
	source, name := new(SourceError), new(NameError)
	if _, err := Scan(file, SourceOptions{}); !errors.As(err, &source) || source.Path != file || !errors.As(err, &name) || name.Path != "nul.gguf" {
		t.Errorf("%v", err)
	}
}

// TestKindsOfFiles names all kinds that cannot be packed.
func TestKindsOfFiles(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		fs.ModeNamedPipe | 0o644: "a named pipe", fs.ModeSocket | 0o755: "a socket", fs.ModeDevice | 0o660: "a device",
		fs.ModeDevice | fs.ModeCharDevice: "a device", fs.ModeIrregular: "a special file", 0o777: "a special file",
	} {
		if got := kindOf(mode); got != want {
			t.Errorf("%v: %q", mode, got)
		}
	}
}
