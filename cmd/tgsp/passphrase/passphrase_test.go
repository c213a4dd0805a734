// SPDX-License-Identifier: Apache-2.0

package passphrase

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

func TestSealedTextComesBack(t *testing.T) {
	text, phrase := []byte("# a key\ntgsp-secret-x25519:…\n"), []byte("correct horse")
	sealed, err := Seal(text, phrase)
	if err != nil {
		t.Fatal(err)
	}
	if !Protected(sealed) || !Protected(append([]byte("\r\n "), sealed...)) || bytes.Contains(sealed, text) {
		t.Errorf("not a protected file: %s", sealed)
	}
	if got, err := Open(sealed, phrase); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := Open(sealed, []byte("battery staple")); !errors.Is(err, ErrWrong) || got != nil {
		t.Errorf("with another passphrase: %q, %v", got, err)
	}
	if got, err := Open(sealed[:len(sealed)-60], phrase); err == nil || errors.Is(err, ErrWrong) {
		t.Errorf("cut off: %q, %v", got, err)
	}
}

// withAge encrypts as the program age would.
func withAge(t *testing.T, text string, to age.Recipient) []byte {
	t.Helper()
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return sealed.Bytes()
}

func scrypt(t *testing.T, workFactor int) age.Recipient {
	t.Helper()
	r, err := age.NewScryptRecipient("phrase")
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(workFactor)
	return r
}

func TestFilesOfAge(t *testing.T) {
	binary := withAge(t, "text", scrypt(t, 4))
	if got, err := Open(binary, []byte("phrase")); err != nil || string(got) != "text" || !Protected(binary) {
		t.Errorf("not armored: %q, %v", got, err)
	}
	var armored bytes.Buffer
	w := armor.NewWriter(&armored)
	if _, err := w.Write(binary); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	windows := strings.ReplaceAll(armored.String(), "\n", "\r\n")
	if got, err := Open([]byte(windows), []byte("phrase")); err != nil || string(got) != "text" {
		t.Errorf("with line ends of Windows: %q, %v", got, err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(withAge(t, "text", key.Recipient()), []byte("phrase")); !errors.Is(err, ErrWrong) {
		t.Errorf("for a public key: %v", err)
	}
}

// TestCostIsBounded makes sure that a file cannot ask for more memory than there is.
func TestCostIsBounded(t *testing.T) {
	sealed := bytes.Replace(withAge(t, "text", scrypt(t, 4)), []byte(" 4\n"), []byte(" 30\n"), 1)
	if _, err := Open(sealed, []byte("phrase")); err == nil || errors.Is(err, ErrWrong) || !strings.Contains(err.Error(), "work factor") {
		t.Errorf("2^30 rounds: %v", err)
	}
	large := withAge(t, strings.Repeat("x", maxText+1), scrypt(t, 4))
	if _, err := Open(large, []byte("phrase")); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("a large text: %v", err)
	}
}

func TestWhatIsNotProtected(t *testing.T) {
	for _, head := range []string{"", "tgsp-secret-x25519:abc", "# TGSP identity", "-----BEGIN PRIVATE KEY-----", "age-encryption.org/v2\n"} {
		if Protected([]byte(head)) {
			t.Errorf("%q counts as protected", head)
		}
	}
	if _, err := Open([]byte("-----BEGIN AGE ENCRYPTED FILE-----\nabc"), []byte("x")); err == nil || errors.Is(err, ErrWrong) {
		t.Errorf("half a file: %v", err)
	}
}
