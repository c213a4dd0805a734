// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// tree makes a folder from a list: names that end in a slash are folders,
// "name -> target" are links, the others are files that hold their name.
func tree(t *testing.T, list ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, item := range list {
		name, target, isLink := strings.Cut(item, " -> ")
		p := filepath.Join(dir, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(p), 0o755))
		switch {
		case isLink:
			check(t, os.Symlink(target, p))
		case strings.HasSuffix(name, "/"):
			check(t, os.MkdirAll(p, 0o755))
		default:
			check(t, os.WriteFile(p, []byte(name), 0o644))
		}
	}
	return dir
}

func sourcePaths(s *Source) []string {
	var all []string
	for _, f := range s.Files {
		all = append(all, f.Path)
	}
	for _, f := range s.Folders {
		all = append(all, f+"/")
	}
	return all
}

func wantPaths(t *testing.T, s *Source, err error, want ...string) {
	t.Helper()
	if err != nil {
		t.Error(err)
	} else if got := sourcePaths(s); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestScanFolder(t *testing.T) {
	dir := tree(t, "b", "a", "sub/c", "empty/", "deep/empty/", "sub/link -> ../a", "run.sh")
	check(t, os.Chmod(filepath.Join(dir, "run.sh"), 0o700))
	s, err := Scan(dir, SourceOptions{})
	wantPaths(t, s, err, "a", "b", "run.sh", "sub/c", "sub/link", "deep/empty/", "empty/")
	for _, f := range s.Files {
		if f.Executable != (f.Path == "run.sh" && runtime.GOOS != "windows") {
			t.Errorf("%s: executable is %t", f.Path, f.Executable)
		}
	}
	if link := s.Files[4]; link.Size != 1 {
		t.Errorf("the link has %d bytes, its target 1", link.Size)
	}
}

func TestScanFile(t *testing.T) {
	dir := tree(t, "model.gguf", "link.gguf -> model.gguf")
	s, err := Scan(filepath.Join(dir, "model.gguf"), SourceOptions{})
	wantPaths(t, s, err, "model.gguf")
	s, err = Scan(filepath.Join(dir, "link.gguf"), SourceOptions{})
	wantPaths(t, s, err, "link.gguf")
}

func TestScanLeavesOut(t *testing.T) {
	dir := tree(t, "a", ".git/config", ".cache/huggingface/x", ".cache/other", "sub/.DS_Store", "Thumbs.db", "._a", "out.tgsp", "sub/.git/x", ".gitattributes")
	s, err := Scan(dir, SourceOptions{Exclude: []string{filepath.Join(dir, "out.tgsp"), filepath.Join(dir, "missing")}})
	wantPaths(t, s, err, ".cache/other", ".gitattributes", "a", "sub/")
	want := []string{"._a", ".cache/huggingface", ".git", "Thumbs.db", "out.tgsp", "sub/.DS_Store", "sub/.git"}
	if !slices.Equal(pathsOf(s.Left), want) {
		t.Errorf("left out %q, want %q", s.Left, want)
	}
}

// TestScanHubSnapshot packs a snapshot of a Hugging Face cache as it lies there.
func TestScanHubSnapshot(t *testing.T) {
	dir := tree(t, "models--acme--m/blobs/0123", "models--acme--m/snapshots/abc/config.json -> ../../blobs/0123",
		"models--acme--m/snapshots/abc/sub/w -> ../../../blobs/0123", "models--acme--m/snapshots/abc/out -> ../../../secret", "secret")
	snapshot := filepath.Join(dir, "models--acme--m", "snapshots", "abc")
	if _, err := Scan(snapshot, SourceOptions{}); !errors.As(err, new(*SourceError)) {
		t.Errorf("a link out of the cache: %v", err)
	}
	check(t, os.Remove(filepath.Join(snapshot, "out")))
	s, err := Scan(snapshot, SourceOptions{})
	wantPaths(t, s, err, "config.json", "sub/w")
}

func TestScanRefuses(t *testing.T) {
	outside := tree(t, "file", "folder/a")
	items := map[string]string{
		"link that leaves":    "x -> " + filepath.Join(outside, "file"),
		"link by dots":        "x -> ../../../../../../../../../etc/hostname",
		"link to a folder":    "x -> " + filepath.Join(outside, "folder"),
		"link inside to one":  "x -> sub",
		"link to nothing":     "x -> missing",
		"link to itself":      "x -> x",
		"link to a device":    "x -> /dev/null",
		"name that is hidden": "x\u202ey",
	}
	if runtime.GOOS != "windows" { // which makes no such file
		items["device name"] = "sub/nul.txt"
	}
	for what, item := range items {
		dir := tree(t, "a", "sub/b", item)
		_, err := Scan(dir, SourceOptions{})
		source := new(SourceError)
		if !errors.As(err, &source) {
			t.Errorf("%s: %v", what, err)
		}
		name, _, _ := strings.Cut(item, " -> ")
		if source.Path != filepath.Join(dir, filepath.FromSlash(name)) {
			t.Errorf("%s: the error names %s", what, source.Path)
		}
	}
	if _, err := Scan(t.TempDir(), SourceOptions{}); !errors.As(err, new(*SourceError)) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Scan(filepath.Join(t.TempDir(), "missing"), SourceOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestScanFollowsWhenTold(t *testing.T) {
	outside := tree(t, "file", "folder/a")
	dir := tree(t, "x -> "+filepath.Join(outside, "file"), "y -> "+filepath.Join(outside, "folder"))
	s, err := Scan(dir, SourceOptions{FollowSymlinks: true})
	wantPaths(t, s, err, "x", "y/a")
	circle := tree(t, "a", "sub/back -> ..")
	if _, err := Scan(circle, SourceOptions{FollowSymlinks: true}); !errors.As(err, new(*SourceError)) {
		t.Errorf("a circle: %v", err)
	}
	device := tree(t, "x -> /dev/null")
	if _, err := Scan(device, SourceOptions{FollowSymlinks: true}); !errors.As(err, new(*SourceError)) {
		t.Errorf("a device: %v", err)
	}
}

// TestChangedSource changes a file between the scan and the packing.
func TestChangedSource(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"vanished": os.Remove,
		"longer":   func(f string) error { return os.WriteFile(f, make([]byte, 100), 0o644) },
		"shorter":  func(f string) error { return os.Truncate(f, 0) },
		"touched":  func(f string) error { return os.Chtimes(f, time.Time{}, created) },
		"replaced": func(f string) error {
			if err := os.WriteFile(f+"2", []byte("a"), 0o644); err != nil {
				return err
			}
			return os.Rename(f+"2", f)
		},
	} {
		dir := tree(t, "a", "b")
		s, err := Scan(dir, SourceOptions{})
		check(t, err)
		check(t, change(filepath.Join(dir, "a")))
		out := filepath.Join(t.TempDir(), "m.tgsp")
		_, err = Pack(context.Background(), out, s, packOptions(t))
		source := new(SourceError)
		if !errors.As(err, &source) || filepath.Base(source.Path) != "a" || source.Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", name, left, err)
		}
	}
}

// TestSourceThatChangesWhileItIsPacked writes to a file when a part of it was read.
func TestSourceThatChangesWhileItIsPacked(t *testing.T) {
	dir := tree(t, "a")
	file := filepath.Join(dir, "a")
	check(t, os.WriteFile(file, make([]byte, 64<<20), 0o644)) // more than is read ahead of what was written
	s, err := Scan(dir, SourceOptions{})
	check(t, err)
	o, out := packOptions(t), filepath.Join(t.TempDir(), "m.tgsp")
	var once sync.Once
	o.Progress = func(int64, int64) { once.Do(func() { check(t, os.Chtimes(file, time.Time{}, created)) }) }
	if _, err := Pack(context.Background(), out, s, o); !errors.As(err, new(*SourceError)) {
		t.Errorf("nobody noticed: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func packOptions(t *testing.T) PackOptions {
	t.Helper()
	return PackOptions{
		PackageID: "acme/model", Version: "1.0.0", CreatedAt: created, Author: tgspcrypto.GenerateAuthorKey(),
		Recipients: []*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()},
	}
}

// TestSourceThatShrinksWhileItIsRead cuts a file that is open.
func TestSourceThatShrinksWhileItIsRead(t *testing.T) {
	dir := tree(t, "a")
	check(t, os.WriteFile(filepath.Join(dir, "a"), make([]byte, 1<<20), 0o644))
	s, err := Scan(dir, SourceOptions{})
	check(t, err)
	f, err := s.Files[0].Open()
	check(t, err)
	defer f.Close()
	check(t, os.Truncate(filepath.Join(dir, "a"), 100))
	n, err := io.Copy(io.Discard, f)
	if n != 100 || !errors.As(err, new(*SourceError)) {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := f.CheckUnchanged(); !errors.As(err, new(*SourceError)) {
		t.Errorf("nobody noticed: %v", err)
	}
}

func pathsOf(left []LeftOut) []string {
	paths := make([]string, len(left))
	for i, l := range left {
		paths[i] = l.Path
	}
	return paths
}

// TestSkippedIsNotPacked leaves out files and folders that the caller names, and says
// why; what is no part of a model anyway is not asked for.
func TestSkippedIsNotPacked(t *testing.T) {
	dir := writeModel(t, map[string][]byte{"keep": nil, "drop.txt": nil, "old/a": nil, "old/b/c": nil, "new/drop.txt": nil, ".git/HEAD": nil})
	var asked []string
	s, err := Scan(dir, SourceOptions{Skip: func(p string) string {
		asked = append(asked, p)
		if p == "old" || strings.HasSuffix(p, "drop.txt") {
			return "not wanted"
		}
		return ""
	}})
	check(t, err)
	if want := []string{".git", "drop.txt", "new/drop.txt", "old"}; !slices.Equal(pathsOf(s.Left), want) {
		t.Errorf("left out %q, want %q", s.Left, want)
	}
	if s.Left[0].Why != "version control" || s.Left[1].Why != "not wanted" {
		t.Errorf("%q", s.Left)
	}
	if len(s.Files) != 1 || s.Files[0].Path != "keep" || !slices.Equal(s.Folders, []string{"new"}) {
		t.Errorf("files %v, folders %q", s.Files, s.Folders)
	}
	slices.Sort(asked)
	if want := []string{"drop.txt", "keep", "new", "new/drop.txt", "old"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}
