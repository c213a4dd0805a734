// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// repeated is a model whose n files are all the same two files on disk, one of
// them empty, under other names.
func repeated(t *testing.T, n int, content []byte, name func(i int) string) *Source {
	t.Helper()
	found, err := Scan(writeModel(t, map[string][]byte{"empty": {}, "tiny": content}), SourceOptions{})
	check(t, err)
	src := &Source{Files: make([]SourceFile, n)}
	for i := range src.Files {
		src.Files[i] = found.Files[i%2]
		src.Files[i].Path = name(i)
	}
	return src
}

func packSource(name string, src *Source) (*fixture, error) {
	x := &fixture{name: name, author: tgspcrypto.GenerateAuthorKey()}
	var err error
	if x.identity, err = tgspcrypto.GenerateIdentity(tgspcrypto.X25519); err != nil {
		return nil, err
	}
	_, err = Pack(context.Background(), name, src, PackOptions{
		PackageID: "acme/many", Version: "1.0.0", CreatedAt: created, Author: x.author,
		Recipients: []*tgspcrypto.Recipient{x.identity.Recipient()},
	})
	return x, err
}

// TestMillionFiles packs, opens, lists, reads and verifies more files than a
// model has. A short run takes fewer.
func TestMillionFiles(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n /= 50
	}
	content := []byte("tiny")
	src := repeated(t, n, content, func(i int) string { return fmt.Sprintf("%03d/%06d", i/1000, i) })
	took := stopwatch(t)
	x, err := packSource(filepath.Join(t.TempDir(), "many.tgsp"), src)
	check(t, err)
	took("pack")
	f, err := OpenFile(x.name)
	check(t, err)
	defer f.Close()
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	took("open")
	if len(r.Files()) != n {
		t.Fatalf("%d files, want %d", len(r.Files()), n)
	}
	buf := make([]byte, len(content)+1)
	for i, entry := range r.Files() {
		want := content
		if i%2 == 0 {
			want = nil
		}
		if entry.Path != src.Files[i].Path || entry.Size != uint64(len(want)) {
			t.Fatalf("file %d: %v", i, entry)
		}
		got, err := r.ReadFileAt(i, buf, 0)
		if !bytes.Equal(buf[:got], want) || !errors.Is(err, io.EOF) {
			t.Fatalf("%s: %q, %v", entry.Path, buf[:got], err)
		}
	}
	took("list and read")
	report, err := f.Verify(context.Background(), VerifyOptions{Trust: x.trust(), Identities: x.identities()})
	check(t, err)
	took("verify")
	if report.Files != n || report.FileBytes != int64(n/2*len(content)) {
		t.Errorf("%d files of %d bytes were verified", report.Files, report.FileBytes)
	}
	t.Logf("%d files, a package of %d bytes", n, f.Size())
}

// stopwatch says how long each step took and how much memory is in use after it.
func stopwatch(t *testing.T) func(step string) {
	last := time.Now()
	return func(step string) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		t.Logf("%s: %v, heap of %d MiB", step, time.Since(last).Round(time.Millisecond), m.HeapInuse>>20)
		last = time.Now()
	}
}

// TestIndexTooLarge packs more names than an index holds, and more headers of
// weights than there is room for findings. Nothing is written.
func TestIndexTooLarge(t *testing.T) {
	long := strings.Repeat(strings.Repeat("n", maxElement)+"/", 4)
	for what, src := range map[string]*Source{
		// That they are all one name is not even looked at.
		"names":    repeated(t, maxIndex/maxPath, nil, func(int) string { return long[:maxPath-1] }),
		"findings": repeated(t, maxIndex/maxWeightsInfoBytes, nil, func(i int) string { return fmt.Sprintf("%d.gguf", i) }),
	} {
		dir := t.TempDir()
		_, err := packSource(filepath.Join(dir, "large.tgsp"), src)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the table of %d files needs", len(src.Files))) {
			t.Errorf("%s: %v, want the table refused", what, err)
		}
		left, err := os.ReadDir(dir)
		check(t, err)
		if len(left) > 0 {
			t.Errorf("%s: it left %v", what, left)
		}
	}
}
