// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// fixture is a packed model with all that is needed to open it.
type fixture struct {
	name     string // of the package
	files    map[string][]byte
	author   *tgspcrypto.AuthorKey
	identity *tgspcrypto.Identity
}

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// smallModel has files at the edges of chunks and leaves.
func smallModel() map[string][]byte {
	sizes := map[string]int{"config.json": 300, "empty": 0, "one": 1, "chunk": 16384, "leaf": 65536, "sub/cipher leaf.bin": 65600, "sub/ünï": 77}
	return randomFiles(sizes)
}

func randomFiles(sizes map[string]int) map[string][]byte {
	random := rand.NewChaCha8([32]byte{7})
	files := make(map[string][]byte)
	for name, size := range sizes {
		files[name] = make([]byte, size)
		random.Read(files[name]) //nolint:errcheck // never fails
	}
	return files
}

func writeModel(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "model")
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, data, 0o644))
	}
	return dir
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newIdentity(t testing.TB, kem tgspcrypto.KEM) *tgspcrypto.Identity {
	t.Helper()
	id, err := tgspcrypto.GenerateIdentity(kem)
	check(t, err)
	return id
}

// pack packs files; change adjusts the options, and may be nil.
func pack(t testing.TB, files map[string][]byte, change func(*PackOptions)) *fixture {
	t.Helper()
	src, err := Scan(writeModel(t, files), SourceOptions{})
	check(t, err)
	x := &fixture{
		name: filepath.Join(t.TempDir(), "model.tgsp"), files: files,
		author: tgspcrypto.GenerateAuthorKey(), identity: newIdentity(t, tgspcrypto.X25519),
	}
	o := x.options()
	if change != nil {
		change(&o)
	}
	_, err = Pack(context.Background(), x.name, src, o)
	check(t, err)
	return x
}

func (x *fixture) options() PackOptions {
	return PackOptions{
		PackageID: "acme/model", Version: "1.2.3", CreatedAt: created, Author: x.author,
		Recipients: []*tgspcrypto.Recipient{x.identity.Recipient()},
	}
}

func (x *fixture) trust() *Trust {
	return &Trust{Keys: []TrustedKey{{Key: x.author.Public(), Role: RoleAuthor}}}
}

func (x *fixture) identities() []*tgspcrypto.Identity { return []*tgspcrypto.Identity{x.identity} }

func (x *fixture) recipients() []*tgspcrypto.Recipient {
	return []*tgspcrypto.Recipient{x.identity.Recipient()}
}

func mkdir(dir, name string) error { return os.Mkdir(filepath.Join(dir, name), 0o755) }

func (x *fixture) bytes(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(x.name)
	check(t, err)
	return data
}

// verify verifies the fixture's file, contents included.
func (x *fixture) verify() error { return x.verifyAs(x.trust(), x.identities()) }

func (x *fixture) verifyAs(trust *Trust, identities []*tgspcrypto.Identity) error {
	f, err := OpenFile(x.name)
	if err != nil {
		return err
	}
	defer f.Close() // only read
	_, err = f.Verify(context.Background(), VerifyOptions{Trust: trust, Identities: identities})
	return err
}

// verifyBytes verifies a package in memory.
func (x *fixture) verifyBytes(data []byte) error {
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	_, err = f.Verify(context.Background(), VerifyOptions{Trust: x.trust(), Identities: x.identities()})
	return err
}

// open opens a package in memory.
func (x *fixture) open(data []byte) (*Reader, error) {
	return x.openFrom(bytes.NewReader(data), int64(len(data)))
}

// openFrom opens a package of size bytes behind any reader.
func (x *fixture) openFrom(src io.ReaderAt, size int64) (*Reader, error) {
	f, err := NewFile(src, size)
	if err != nil {
		return nil, err
	}
	a, err := f.Accept(x.trust())
	if err != nil {
		return nil, err
	}
	return a.Open(Facts{Now: created}, x.identities())
}

// checkContents compares all files read through r with the originals.
func (x *fixture) checkContents(t testing.TB, r *Reader) {
	t.Helper()
	if len(r.Files()) != len(x.files) {
		t.Fatalf("%d files, want %d", len(r.Files()), len(x.files))
	}
	for i, entry := range r.Files() {
		got := make([]byte, entry.Size)
		if n, err := r.ReadFileAt(i, got, 0); n != len(got) || err != nil && !errors.Is(err, io.EOF) {
			t.Fatalf("%s: %d bytes, %v", entry.Path, n, err)
		}
		if !bytes.Equal(got, x.files[entry.Path]) {
			t.Fatalf("%s: not what was packed", entry.Path)
		}
	}
}
