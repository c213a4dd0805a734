// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// archived is a file of an archive.
type archived struct {
	mode    os.FileMode
	content []byte
}

// TestArchives unpacks what users of each system unpack: the program with what
// belongs to it, in one folder, and nothing else.
func TestArchives(t *testing.T) {
	for _, s := range systems {
		unpack, suffix := tarFiles, ".tar.gz"
		if s.os == "windows" {
			unpack, suffix = zipFiles, ".zip"
		}
		all := must(unpack(packageFile(t, s.archive())))(t)
		files := map[string]archived{}
		root, program := strings.TrimSuffix(s.archive(), suffix)+"/", "tgsp"
		pages := 0
		for name, file := range all {
			short, ok := strings.CutPrefix(name, root)
			if !ok || path.Clean(name) != name {
				t.Errorf("%s: %s is not in its folder", s, name)
			}
			if strings.HasPrefix(short, "man/man1/tgsp") && strings.HasSuffix(short, ".1.gz") {
				pages++
				continue
			}
			files[short] = file
		}
		want := map[string]string{ // where the same bytes are
			"LICENSE": "../LICENSE", "README.md": "../README.md", "CHANGELOG.md": "../CHANGELOG.md", "SECURITY.md": "../SECURITY.md",
			"FORMAT.md": "../container/FORMAT.md", "THIRD-PARTY-LICENSES": packageFile(t, s.lists()+".licenses"), "tgsp.cdx.json": packageFile(t, s.lists()+".cdx.json"),
		}
		completions := []string{"tgsp.bash", "tgsp.fish", "_tgsp"}
		if s.os == "windows" {
			program, completions = "tgsp.exe", []string{"tgsp.ps1"}
		}
		want[program] = packageFile(t, s.program())
		for name, same := range want {
			if !bytes.Equal(files[name].content, must(os.ReadFile(same))(t)) {
				t.Errorf("%s: %s is not %s", s, name, same)
			}
		}
		for _, name := range completions {
			want["completions/"+name] = ""
			if !bytes.Contains(files["completions/"+name].content, []byte("__complete")) {
				t.Errorf("%s: %s completes nothing", s, name)
			}
		}
		if got, want := slices.Sorted(maps.Keys(files)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) || (pages >= 30) != (s.os != "windows") {
			t.Errorf("%s has %d pages of the manual and %q, want %q", s, pages, got, want)
		}
		for name, file := range files {
			if mode := map[bool]os.FileMode{true: 0o755, false: 0o644}[name == program]; file.mode != mode {
				t.Errorf("%s: %s has mode %v", s, name, file.mode)
			}
		}
		notice := "WinFsp - Windows File System Proxy, Copyright (C) Bill Zissimopoulos\nhttps://github.com/winfsp/winfsp\n"
		if named := bytes.Contains(files["THIRD-PARTY-LICENSES"].content, []byte(notice)); named != (s.os == "windows") {
			t.Errorf("%s: WinFsp is named: %v", s, named)
		}
	}
}

// tarFiles reads a .tar.gz in which nothing is of the machine that made it.
func tarFiles(name string) (map[string]archived, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	if !unzipped.ModTime.IsZero() || unzipped.Name != "" {
		return nil, fmt.Errorf("%s was compressed at %v as %q", name, unzipped.ModTime, unzipped.Name)
	}
	files := map[string]archived{}
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" || h.ModTime.Unix() != programTime {
			return nil, fmt.Errorf("%s: %s belongs to %d %q, %d %q and is of %v", name, h.Name, h.Uid, h.Uname, h.Gid, h.Gname, h.ModTime)
		}
		if h.Typeflag == tar.TypeDir && h.Mode == 0o755 {
			continue
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files[h.Name] = archived{h.FileInfo().Mode(), content}
	}
}

// zipFiles reads a .zip of which the same holds. It has no owners.
func zipFiles(name string) (map[string]archived, error) {
	r, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	files := map[string]archived{}
	for _, entry := range r.File {
		if len(entry.Extra) > 0 || !entry.Modified.Equal(time.Unix(programTime, 0)) {
			return nil, fmt.Errorf("%s: %s has %d bytes of its machine, and is of %v", name, entry.Name, len(entry.Extra), entry.Modified)
		}
		f, err := entry.Open()
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		files[entry.Name] = archived{entry.Mode(), content}
	}
	return files, nil
}
