// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrorTexts makes sure that errors about keys say what, where and which.
func TestErrorTexts(t *testing.T) {
	const want = "an author's public key"
	cause := errors.New("it is short")
	for text, err := range map[string]error{
		"tgsp-x25519 key: it is short":                    &LineError{"tgsp-x25519", want, cause},
		"not an author's public key: it is short":         &LineError{"", want, cause},
		"a tgsp-x25519 key stands where " + want:          &LineError{"tgsp-x25519", want, nil},
		"a tgsp-secret-author key stands where a secret":  &LineError{lineAuthorSecret, "a secret key", nil},
		"a secret key (tgsp-secret-author) stands where ": &LineError{lineAuthorSecret, want, nil},
		"my.key: it is short":                             &FileError{"my.key", 0, cause},
		"my.key:7: it is short":                           &FileError{"my.key", 7, cause},
	} {
		if got := err.Error(); !strings.HasPrefix(got, text) {
			t.Errorf("%q, want %q", got, text)
		}
	}
}

// TestKindsOfLines has the texts that stand in everybody's key files.
func TestKindsOfLines(t *testing.T) {
	for kem, want := range map[KEM][2]string{
		X25519:         {"tgsp-x25519:", "tgsp-secret-x25519:"},
		MLKEM768X25519: {"tgsp-mlkem768-x25519:", "tgsp-secret-mlkem768-x25519:"},
	} {
		id := identity(t, kem)
		secret, err := id.SecretLine()
		if public := id.Recipient().String(); err != nil || !strings.HasPrefix(public, want[0]) || !strings.HasPrefix(secret, want[1]) {
			t.Errorf("%s: %.30s, %v", kem, public, err)
		}
		// A public key is no secret one, also where the bytes would do.
		e := new(LineError)
		if _, err := ParseIdentity(id.Recipient().String()); !errors.As(err, &e) || e.Err != nil {
			t.Errorf("%s: a public line as an identity: %v", kem, err)
		}
	}
}

// TestLargestKeyFile has the length of a key file at its limit.
func TestLargestKeyFile(t *testing.T) {
	line := identity(t, X25519).Recipient().String() + "\n"
	comments := strings.Repeat("#"+strings.Repeat("x", 1022)+"\n", MaxKeyFile/1024)
	text := []byte(line + comments[len(line):])
	text[len(line)] = '#'
	name := filepath.Join(t.TempDir(), "keys")
	for size, ok := range map[int]bool{MaxKeyFile: true, MaxKeyFile + 1: false} {
		data := append(bytes.Clone(text), '\n')[:size]
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if keys, err := ReadRecipientsFile(name); (err == nil) != ok || ok && len(keys) != 1 {
			t.Errorf("%d bytes: %d keys, %v", size, len(keys), err)
		}
	}
}
