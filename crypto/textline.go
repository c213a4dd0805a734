// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
)

// A key's text line is its kind, a colon, and the lower-case base32 (RFC 4648,
// without padding) of the key's bytes followed by a checksum: the first four
// bytes of SHA-256(kind || 0x00 || key). A double click selects the base32, a
// secret is recognised by its prefix, and a mistyped line is noticed.
const (
	lineAuthor       = "tgsp-author"
	lineAuthorSecret = "tgsp-secret-author"
	lineSecretPrefix = "tgsp-secret-"

	checksumSize = 4
)

var lineEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

var (
	errChecksum     = errors.New("checksum does not match: the line is damaged or mistyped")
	errNonCanonical = errors.New("not the canonical form of a key")
	errLength       = errors.New("wrong length: the line is of another version, or made by hand")
)

// A LineError says why a text line is not the key that was asked for. It never
// holds the line, which may be a secret.
type LineError struct {
	Kind string // the line's kind, if it was recognised
	Want string // what was asked for, such as "an author's public key"
	Err  error  // the defect, or nil where the kind is the wrong one
}

func (e *LineError) Error() string {
	switch {
	case e.Err != nil && e.Kind != "":
		return fmt.Sprintf("%s key: %v", e.Kind, e.Err)
	case e.Err != nil:
		return fmt.Sprintf("not %s: %v", e.Want, e.Err)
	case strings.HasPrefix(e.Kind, lineSecretPrefix) && !strings.Contains(e.Want, "secret"):
		return fmt.Sprintf("a secret key (%s) stands where %s belongs: give the public line, as tgsp keygen prints it, and keep the secret one to yourself", e.Kind, e.Want)
	}
	return fmt.Sprintf("a %s key stands where %s belongs", e.Kind, e.Want)
}

func (e *LineError) Unwrap() error { return e.Err }

func formatLine(kind string, key []byte) string {
	sum := checksum(kind, key)
	return kind + ":" + strings.ToLower(lineEncoding.EncodeToString(append(bytes.Clone(key), sum[:]...)))
}

func checksum(kind string, key []byte) [checksumSize]byte {
	sum := sha256.Sum256(append([]byte(kind+"\x00"), key...))
	return [checksumSize]byte(sum[:])
}

// parseLine returns kind and key bytes of a text line of any kind.
func parseLine(line, want string) (kind string, key []byte, err error) {
	kind, text, found := strings.Cut(strings.TrimSpace(line), ":")
	if !found || !knownLine(kind) {
		return "", nil, &LineError{Want: want, Err: errors.New("a key's line starts with its kind and a colon, as in tgsp-author:… or tgsp-x25519:…")}
	}
	// Base32 is case-insensitive by design, but one key has one line.
	raw, err := lineEncoding.DecodeString(strings.ToUpper(text))
	if err != nil {
		return kind, nil, &LineError{kind, want, errors.New("not base32: the line is damaged or cut off")}
	}
	if len(raw) < checksumSize {
		return kind, nil, &LineError{kind, want, errors.New("too short: the line is cut off")}
	}
	key = raw[:len(raw)-checksumSize]
	if sum := checksum(kind, key); !bytes.Equal(sum[:], raw[len(key):]) {
		return kind, nil, &LineError{kind, want, errChecksum}
	}
	if formatLine(kind, key) != kind+":"+text {
		return kind, nil, &LineError{kind, want, errNonCanonical}
	}
	return kind, key, nil
}

func knownLine(kind string) bool {
	switch kind {
	case lineAuthor, lineAuthorSecret, lineAuthority, lineAuthoritySecret, lineEpochSecret:
		return true
	}
	k, _ := kemByLine(kind)
	return k != ""
}

// ParseAuthorPublicKey reads an author's public text line.
func ParseAuthorPublicKey(line string) (AuthorPublicKey, error) {
	return parseVerifyingKey(line, lineAuthor, "an author's public key (tgsp-author:…)")
}

// ParseAuthorKey reads an author's secret text line.
func ParseAuthorKey(line string) (*AuthorKey, error) {
	return parseSigningKey(line, lineAuthorSecret, "an author's secret key (tgsp-secret-author:…)")
}

// parseVerifyingKey reads an Ed25519 public key from a line of the given kind.
func parseVerifyingKey(line, want, described string) (AuthorPublicKey, error) {
	kind, raw, err := parseLine(line, described)
	if err != nil {
		return AuthorPublicKey{}, err
	}
	if kind != want {
		return AuthorPublicKey{}, &LineError{Kind: kind, Want: described}
	}
	k, err := NewAuthorPublicKey(raw)
	if err != nil {
		return AuthorPublicKey{}, &LineError{kind, described, err}
	}
	return k, nil
}

// parseSigningKey reads an Ed25519 seed from a line of the given kind.
func parseSigningKey(line, want, described string) (*AuthorKey, error) {
	kind, raw, err := parseLine(line, described)
	if err != nil {
		return nil, err
	}
	defer clear(raw)
	if kind != want {
		return nil, &LineError{Kind: kind, Want: described}
	}
	k, err := NewAuthorKey(raw)
	if err != nil {
		return nil, &LineError{kind, described, err}
	}
	return k, nil
}
