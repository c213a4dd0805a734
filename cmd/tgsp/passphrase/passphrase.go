// SPDX-License-Identifier: Apache-2.0

// Package passphrase protects secret key files with a passphrase.
//
// A protected file is an age file (age-encryption.org/v1) with a scrypt recipient,
// armored: what "age --passphrase --armor" makes, so people can make and open such
// files with age as well.
package passphrase

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// intro begins an age file that is not armored.
const intro = "age-encryption.org/v1\n"

// maxWorkFactor bounds what opening a file may cost: 2^20 rounds of scrypt take 1 GiB
// of memory and some seconds. age writes 18, and so does Seal.
const maxWorkFactor = 20

// maxText bounds what a file may hold, in bytes.
const maxText = 4 << 20

// ErrWrong means that the passphrase does not open the file.
var ErrWrong = errors.New("the passphrase is wrong")

// Protected reports whether a file's beginning is that of an age file.
func Protected(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	return bytes.HasPrefix(head, []byte(armor.Header)) || bytes.HasPrefix(head, []byte(intro))
}

// Seal returns text encrypted with a passphrase.
func Seal(text, passphrase []byte) ([]byte, error) {
	recipient, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	var sealed bytes.Buffer
	lines := armor.NewWriter(&sealed)
	w, err := age.Encrypt(lines, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), lines.Close()); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

// Open returns what Seal was given. It returns ErrWrong for another passphrase.
func Open(sealed, passphrase []byte) ([]byte, error) {
	identity, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, err
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	var r io.Reader = bytes.NewReader(sealed)
	if !bytes.HasPrefix(sealed, []byte(intro)) {
		r = armor.NewReader(r)
	}
	r, err = age.Decrypt(r, identity)
	if wrong := new(age.NoIdentityMatchError); errors.As(err, &wrong) {
		// age's error names each identity and why it does not match: a file for a
		// public key looks the same as another passphrase.
		return nil, ErrWrong
	}
	if err != nil {
		return nil, fmt.Errorf("not a file that a passphrase protects: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxText+1))
	if err == nil && len(text) > maxText {
		err = errors.New("too large for a key file")
	}
	if err != nil {
		clear(text)
		return nil, err
	}
	return text, nil
}
