// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/tensorguard/tgsp/integration/rig"
)

// secret is a key that must stand nowhere but in its file.
type secret struct {
	name  string
	raw   []byte
	bytes [][]byte // pieces of the key itself
	texts [][]byte // pieces of all forms of text, in lower case
}

// newSecret prepares the search for 32 secret bytes: as they are, and as hex,
// base64 and base32 (what a key's line holds after the colon), and as the words
// that a trace of a crash shows. A piece of 8 bytes, or of 12 letters, is enough.
func newSecret(name string, raw []byte) *secret {
	s := &secret{name: name, raw: raw, bytes: slices.Collect(slices.Chunk(raw, 8))}
	for _, text := range []string{
		hex.EncodeToString(raw), base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), base32.StdEncoding.EncodeToString(raw),
	} {
		const piece = 12
		for form := lower([]byte(text)); len(form) >= piece; form = form[piece:] {
			s.texts = append(s.texts, form[:piece])
		}
	}
	for _, word := range s.bytes {
		s.texts = append(s.texts, fmt.Appendf(nil, "0x%x", binary.LittleEndian.Uint64(word)))
	}
	return s
}

// lower is bytes.ToLower for data of any kind, which it leaves in place.
func lower(data []byte) []byte {
	data = bytes.Clone(data)
	for i, c := range data {
		if 'A' <= c && c <= 'Z' {
			data[i] = c + 'a' - 'A'
		}
	}
	return data
}

// in reports whether any piece of the secret stands in the data.
func (s *secret) in(data []byte) bool {
	text := lower(data)
	return slices.ContainsFunc(s.bytes, func(piece []byte) bool { return bytes.Contains(data, piece) }) ||
		slices.ContainsFunc(s.texts, func(piece []byte) bool { return bytes.Contains(text, piece) })
}

// search fails the test where data holds a secret.
func search(t *testing.T, where string, data []byte, secrets []*secret) {
	t.Helper()
	for _, s := range secrets {
		if s.in(data) {
			t.Errorf("%s holds %s", where, s.name)
		}
	}
}

// searchFiles looks into all files below a folder but those in except, and
// returns how many it has seen.
func searchFiles(t *testing.T, dir string, secrets []*secret, except ...string) (seen int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || slices.Contains(except, path) || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		search(t, path, data, secrets)
		seen++
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return seen
}

// keyFile reads the secret in a key file. An author's has a second form, the
// scalar of RFC 8032 with which it signs.
func keyFile(t *testing.T, path string) []*secret {
	t.Helper()
	text := must(os.ReadFile(path))(t)
	i := bytes.Index(text, []byte("\ntgsp-secret-"))
	if i < 0 {
		t.Fatalf("%s holds no secret line", path)
	}
	kind, body, _ := strings.Cut(strings.TrimSpace(string(text[i:])), ":")
	raw := must(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(body)))(t)
	const keySize = 32
	secrets := []*secret{newSecret("the key of "+path, raw[:keySize])}
	if !secrets[0].in(text) {
		t.Fatalf("the search does not find the key in %s itself", path)
	}
	if kind == "tgsp-secret-author" {
		sum := sha512.Sum512(raw[:keySize])
		secrets = append(secrets, newSecret("the scalar of "+path, sum[:keySize]))
	}
	return secrets
}

// dataKey unwraps a package's key by FORMAT.md alone, with an X25519 identity.
func dataKey(t *testing.T, pkg string, identity *secret) *secret {
	t.Helper()
	data := must(os.ReadFile(pkg))(t)
	slot := data[4096:]
	var envelope struct {
		Manifest   []byte            `cbor:"manifest"`
		Recipients []cbor.RawMessage `cbor:"recipients"`
	}
	if err := cbor.Unmarshal(slot[4:4+binary.BigEndian.Uint32(slot)], &envelope); err != nil {
		t.Fatal(err)
	}
	mode := must(cbor.CoreDetEncOptions().EncMode())(t)
	priv := must(hpke.DHKEM(ecdh.X25519()).NewPrivateKey(identity.raw))(t)
	info := sha256.Sum256(append([]byte("tgsp/v1 wrap\x00"), envelope.Manifest...))
	for _, raw := range envelope.Recipients {
		var entry struct {
			Type    string `cbor:"type"`
			Hint    []byte `cbor:"hint"`
			Enc     []byte `cbor:"enc"`
			Wrapped []byte `cbor:"wrapped_key"`
		}
		if err := cbor.Unmarshal(raw, &entry); err != nil {
			t.Fatal(err)
		}
		r, err := hpke.NewRecipient(entry.Enc, priv, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info[:])
		if err != nil {
			continue // of another type
		}
		aad := must(mode.Marshal(map[string]any{"type": entry.Type, "hint": entry.Hint}))(t)
		if key, err := r.Open(aad, entry.Wrapped); err == nil {
			return newSecret("the data key of "+pkg, key)
		}
	}
	t.Fatalf("%s does not open", pkg)
	return nil
}

// recorder runs tgsp as a user and keeps all that it says.
type recorder struct {
	*rig.User
	said bytes.Buffer
}

// run runs tgsp, which must end with the code.
func (r *recorder) run(t *testing.T, code int, args ...string) rig.Result {
	t.Helper()
	result := r.Run(args...)
	if result.Code != code {
		t.Errorf("exit %d, want %d: %s", result.Code, code, result)
	}
	r.said.WriteString(result.Stdout + result.Stderr)
	return result
}
