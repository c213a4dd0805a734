// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

func TestSecretFileIsPrivateAndNew(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := CreateSecretFile(name, "first"); err != nil {
		t.Fatal(err)
	}
	if shared, err := sysfile.Shared(name); err != nil || shared {
		t.Errorf("others may read it: %t, %v", shared, err)
	}
	if err := CreateSecretFile(name, "second"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over an existing file: %v", err)
	}
	if data, err := os.ReadFile(name); string(data) != "first" || err != nil {
		t.Errorf("the first file now holds %q, %v", data, err)
	}
	if err := CreateSecretFile(filepath.Join(t.TempDir(), "missing", "key"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

func TestSecretFileNeverThroughLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if err := CreateSecretFile(link, "through a link"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("through a link: %v", err)
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadKeyFiles(t *testing.T) {
	lines := everyLine(t)
	name := write(t, "# comment\r\n\n  "+lines["tgsp-x25519"]+"\r\n"+lines["tgsp-mlkem768-x25519"])
	if keys, err := ReadRecipientsFile(name); err != nil || len(keys) != 2 || keys[1].KEM() != MLKEM768X25519 {
		t.Errorf("%d recipients, %v", len(keys), err)
	}
	if keys, err := ReadRecipientsFile(write(t, "\ufeff"+lines["tgsp-x25519"]+"\r\n")); err != nil || len(keys) != 1 {
		t.Errorf("after a byte order mark: %d recipients, %v", len(keys), err)
	}
	name = write(t, lines["tgsp-secret-x25519"]+"\n"+lines["tgsp-secret-mlkem768-x25519"]+"\n")
	if ids, err := ReadIdentityFile(name); err != nil || len(ids) != 2 {
		t.Errorf("%d identities, %v", len(ids), err)
	}
	if key, err := ReadAuthorKeyFile(write(t, lines[lineAuthorSecret])); err != nil || key.Public().String() != lines[lineAuthor] {
		t.Errorf("%v", err)
	}
	if keys, err := ReadAuthorPublicKeyFile(write(t, lines[lineAuthor])); err != nil || len(keys) != 1 {
		t.Errorf("%d authors, %v", len(keys), err)
	}
}

func TestBadKeyFiles(t *testing.T) {
	lines := everyLine(t)
	secret := lines[lineAuthorSecret]
	for name, c := range map[string]struct {
		text string
		line int
	}{
		"empty": {"", 0}, "comments": {"# nothing\n\n", 0}, "two keys": {secret + "\n" + secret, 0},
		"a public key": {"\n" + lines[lineAuthor], 2}, "damaged": {"#\n\n" + secret[:len(secret)-1], 3},
		"a binary file": {"\x00\x01\x02", 1}, "UTF-16": {"\xff\xfe#\x00\n\x00", 1}, "a mark in the middle": {"#\n\ufeff" + secret, 2}, "a long line": {strings.Repeat("x", 100<<10), 0},
		"huge": {strings.Repeat("#"+strings.Repeat("x", 1000)+"\n", MaxKeyFile/1000+10), 0},
	} {
		file := write(t, c.text)
		_, err := ReadAuthorKeyFile(file)
		e := new(FileError)
		if !errors.As(err, &e) || e.Name != file || e.Line != c.line || e.Unwrap() == nil {
			t.Errorf("%s: %v (line %d, want %d)", name, err, e.Line, c.line)
		}
		if err != nil && strings.Contains(err.Error(), secret[len(secret)-20:]) {
			t.Errorf("%s: the error holds the key", name)
		}
	}
	if _, err := ReadIdentityFile(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := ReadIdentityFile(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
}
