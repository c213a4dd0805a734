// SPDX-License-Identifier: Apache-2.0

package fs_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// packed is a package with all that is needed to open it.
type packed struct {
	name       string // of its file
	data       []byte
	files      map[string][]byte
	trust      *container.Trust
	identities []*tgspcrypto.Identity
}

// pack packs files; the options say suite and leaf hash, or nothing.
func pack(t *testing.T, files map[string][]byte, o container.PackOptions) *packed {
	t.Helper()
	model, pkg := filepath.Join(t.TempDir(), "model"), filepath.Join(t.TempDir(), "model.tgsp")
	for name, data := range files {
		path := filepath.Join(model, filepath.FromSlash(name))
		check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		check(t, os.WriteFile(path, data, 0o644))
	}
	check(t, os.MkdirAll(filepath.Join(model, "empty folder", "inside"), 0o755))
	src, err := container.Scan(model, container.SourceOptions{})
	check(t, err)
	author := tgspcrypto.GenerateAuthorKey()
	identity, err := tgspcrypto.GenerateIdentity(tgspcrypto.X25519)
	check(t, err)
	o.PackageID, o.Version, o.CreatedAt, o.Author = "a", "1.0.0", created, author
	o.Recipients = []*tgspcrypto.Recipient{identity.Recipient()}
	_, err = container.Pack(context.Background(), pkg, src, o)
	check(t, err)
	data, err := os.ReadFile(pkg)
	check(t, err)
	return &packed{
		name: pkg, data: data, files: files, identities: []*tgspcrypto.Identity{identity},
		trust: &container.Trust{Keys: []container.TrustedKey{{Key: author.Public(), Role: container.RoleAuthor}}},
	}
}

// reader accepts and opens a package.
func (p *packed) reader(f *container.File) (*container.Reader, error) {
	a, err := f.Accept(p.trust)
	if err != nil {
		return nil, err
	}
	return a.Open(container.Facts{Now: created}, p.identities)
}

// verify verifies as anybody can, or with the identity the contents too.
func (p *packed) verify(f *container.File, contents bool) error {
	o := container.VerifyOptions{Trust: p.trust}
	if contents {
		o.Identities = p.identities
	}
	_, err := f.Verify(context.Background(), o)
	return err
}

// sections are the offsets at which a package's parts begin (FORMAT.md, section 3).
type sections struct{ slotA, slotB, index, tree, gap, payload, end int64 }

func (p *packed) sections() sections {
	number := func(at int) int64 { return int64(binary.BigEndian.Uint64(p.data[at:])) }
	slot := int64(binary.BigEndian.Uint32(p.data[12:]))
	s := sections{slotA: 4096, slotB: 4096 + slot, index: 4096 + 2*slot, end: int64(len(p.data))}
	s.tree = s.index + number(16)
	s.gap = s.tree + number(24)
	s.payload = s.end - number(32)
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
