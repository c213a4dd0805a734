// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestScanExcludesOnlyFile makes sure that a folder whose only file is left out
// counts as one that holds nothing.
func TestScanExcludesOnlyFile(t *testing.T) {
	dir := tree(t, "a", "out/m.tgsp", "deep/er/m.tgsp", "other/b")
	s, err := Scan(dir, SourceOptions{Exclude: []string{filepath.Join(dir, "out/m.tgsp"), filepath.Join(dir, "deep/er/m.tgsp"), filepath.Join(dir, "missing")}})
	wantPaths(t, s, err, "a", "other/b", "deep/er/", "out/")
	if !slices.Equal(pathsOf(s.Left), []string{"deep/er/m.tgsp", "out/m.tgsp"}) {
		t.Errorf("left out: %q", s.Left)
	}
}

// TestScanSorts makes sure that lists go by whole paths, not folder by folder as
// they are found.
func TestScanSorts(t *testing.T) {
	s, err := Scan(tree(t, "a/x", "a.b", "e/in/", "e.f/", "x/y", "x/.DS_Store", "x.y/z", "x.y/.DS_Store"), SourceOptions{})
	wantPaths(t, s, err, "a.b", "a/x", "x.y/z", "x/y", "e.f/", "e/in/")
	if !slices.Equal(pathsOf(s.Left), []string{"x.y/.DS_Store", "x/.DS_Store"}) {
		t.Errorf("left out: %q", s.Left)
	}
}

// TestScanThroughLink scans a model by a link to it. Links inside lead to where it
// really lies.
func TestScanThroughLink(t *testing.T) {
	dir := tree(t, "a", "sub/b -> ../a")
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(dir, link))
	s, err := Scan(link, SourceOptions{})
	wantPaths(t, s, err, "a", "sub/b")
}

// TestEachSignOfChange changes one thing about a file between the scan and the
// packing, and leaves the others as they were.
func TestEachSignOfChange(t *testing.T) {
	nothing := func(string) error { return nil }
	longer := func(f string) error { return os.WriteFile(f, []byte("longer"), 0o644) }
	replaced := func(f string) error {
		if err := os.Rename(f, f+"2"); err != nil {
			return err
		}
		return os.WriteFile(f, []byte("b"), 0o644)
	}
	for what, c := range map[string]struct {
		change func(file string) error
		when   time.Time
		same   bool
	}{"nothing": {nothing, created, true}, "size": {longer, created, false}, "time": {nothing, created.Add(time.Hour), false}, "file": {replaced, created, false}} {
		file := filepath.Join(tree(t, "a"), "a")
		check(t, os.Chtimes(file, time.Time{}, created))
		s, err := Scan(file, SourceOptions{})
		check(t, err)
		check(t, c.change(file))
		check(t, os.Chtimes(file, time.Time{}, c.when))
		f, err := s.Files[0].Open()
		if c.same != (err == nil) || err != nil && !errors.As(err, new(*SourceError)) {
			t.Errorf("another %s: %v", what, err)
		}
		if err == nil {
			check(t, f.Close())
		}
	}
}

// TestScanFileWithBadName makes sure that the error names the file as it lies on disk.
func TestScanFileWithBadName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x\u202ey.gguf")
	check(t, os.WriteFile(file, []byte("x"), 0o600))
	source, name := new(SourceError), new(NameError)
	if _, err := Scan(file, SourceOptions{}); !errors.As(err, &source) || source.Path != file || !errors.As(err, &name) || name.Path != filepath.Base(file) {
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
