// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// fuzzedSizes are the sizes of files: the ends of chunks and leaves among others.
var fuzzedSizes = []int{0, 1, 5, 300, tgspcrypto.ChunkSize - 1, tgspcrypto.ChunkSize, tgspcrypto.ChunkSize + 1,
	leafPlaintext - 1, leafPlaintext, leafPlaintext + 1, 2*leafPlaintext - 306, 2 * leafPlaintext}

// fuzzedTree writes a tree of files: one for each line of names, or an empty
// folder where the line ends in a slash. The bytes of shape give size, contents
// and mode of each. It returns what the system's file system took.
func fuzzedTree(t *testing.T, dir string, names string, shape []byte) map[string][]byte {
	t.Helper()
	root, err := os.OpenRoot(dir) // names lead anywhere
	check(t, err)
	defer root.Close()
	files := make(map[string][]byte)
	lines := strings.Split(names, "\n")
	for i, name := range lines[:min(len(lines), 12)] {
		at := byte(i)
		if len(shape) > 0 {
			at = shape[i%len(shape)] + byte(i/len(shape))
		}
		if strings.HasSuffix(name, "/") {
			root.MkdirAll(name, 0o755) //nolint:errcheck // a name may be impossible
			continue
		}
		if _, err := root.Lstat(name); err == nil || root.MkdirAll(filepath.Dir(name), 0o755) != nil {
			continue
		}
		data := bytes.Repeat([]byte{at, byte(i), 3}, 1+fuzzedSizes[int(at)%len(fuzzedSizes)]/3)[:fuzzedSizes[int(at)%len(fuzzedSizes)]]
		mode := os.FileMode(modeFile)
		if at&0x80 != 0 {
			mode = modeExecutable
		}
		if root.WriteFile(name, data, mode) == nil {
			files[filepath.ToSlash(filepath.Clean(name))] = data
		}
	}
	return files
}

// written packs as Pack does, but into an open file and without waiting for
// the disk.
func written(t *testing.T, out *os.File, src *Source, o PackOptions) []byte {
	t.Helper()
	w, err := newWriter(src, o)
	check(t, err)
	check(t, out.Truncate(0))
	f := &output{target: out.Name(), file: &tempFile{File: out}}
	w.manifest.ContentHash, err = w.writePayload(context.Background(), f)
	check(t, err)
	_, err = w.writeFront(f)
	check(t, err)
	data, err := os.ReadFile(out.Name())
	check(t, err)
	return data
}

// FuzzRoundTrip makes sure that every tree that can be packed comes back.
func FuzzRoundTrip(f *testing.F) {
	f.Add("config.json\nsub/a\nsub/b\nempty folder/\nx.gguf", []byte{3, 0x84, 8, 0, 2}, uint8(0))
	f.Add("ä/b.safetensors\nrun.sh\n.git/config\nd/e/", []byte{10, 0x81, 1, 1}, uint8(7))
	f.Add("CON\na\\b", []byte{1}, uint8(2))
	f.Add("a\nb\nc\nd", []byte{11, 9, 8, 7}, uint8(4))
	author := frozenAuthor(f)
	id := frozenIdentities(f, tgspcrypto.X25519)
	f.Fuzz(func(t *testing.T, names string, shape []byte, options uint8) {
		temp := t.TempDir()
		dir := filepath.Join(temp, "model")
		check(t, os.Mkdir(dir, 0o755))
		files := fuzzedTree(t, dir, names, shape)
		src, err := Scan(dir, SourceOptions{})
		if err != nil {
			if !errors.As(err, new(*SourceError)) {
				t.Errorf("%T %v", err, err)
			}
			return
		}
		out, err := os.Create(filepath.Join(temp, "out"))
		check(t, err)
		defer out.Close()
		data := written(t, out, src, PackOptions{
			PackageID: "acme/model", Version: "1.2.3", CreatedAt: created, Author: author, Recipients: []*tgspcrypto.Recipient{id[0].Recipient()},
			Suite: tgspcrypto.Suites()[options&1], LeafHash: LeafHashes()[options>>1&1],
		})
		x := &fixture{author: author, identity: id[0], files: files}
		if options&4 != 0 {
			check(t, x.verifyBytes(data))
		}
		r, err := x.open(data)
		check(t, err)
		if !slices.Equal(r.Folders(), src.Folders) && len(src.Folders) > 0 {
			t.Errorf("folders %q, want %q", r.Folders(), src.Folders)
		}
		kept := 0
		for name, want := range files {
			left := slices.ContainsFunc(pathsOf(src.Left), func(p string) bool { return p == name || strings.HasPrefix(name, p+"/") })
			i := slices.IndexFunc(r.Files(), func(e Entry) bool { return e.Path == name })
			if left != (i < 0) {
				t.Fatalf("%q was left out: %v, and is in the package: %v", name, left, i >= 0)
			}
			if left {
				continue
			}
			kept++
			got, err := io.ReadAll(io.NewSectionReader(readerAt{r, i}, 0, int64(len(want))+1))
			info, statErr := os.Stat(filepath.Join(dir, filepath.FromSlash(name)))
			check(t, errors.Join(err, statErr))
			if !bytes.Equal(got, want) || r.Files()[i].Mode == modeExecutable != (info.Mode()&0o111 != 0) {
				t.Fatalf("%q comes back otherwise", name)
			}
		}
		if kept != len(r.Files()) {
			t.Errorf("%d files, want %d", len(r.Files()), kept)
		}
	})
}

// readerAt is one file of a package.
type readerAt struct {
	r    *Reader
	file int
}

func (f readerAt) ReadAt(p []byte, off int64) (int, error) { return f.r.ReadFileAt(f.file, p, off) }
