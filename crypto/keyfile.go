// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// MaxKeyFile bounds what is read of a key file, in bytes: a thousand hybrid recipients.
const MaxKeyFile = 4 << 20

// FileError says which line of which key file is wrong. It never holds the line.
type FileError struct {
	Name string
	Line int // 0 where no single line is to blame
	Err  error
}

func (e *FileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Name, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Name, e.Line, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// CreateSecretFile writes text to a new file that only its owner can read (see
// package sysfile), and syncs it. It never overwrites: an existing file gives fs.ErrExist
// and stays as it is. What could not be written whole is removed.
func CreateSecretFile(name, text string) (err error) {
	f, err := sysfile.OpenPrivate(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(name))
		}
	}()
	// The umask can only have taken permissions away, also the owner's.
	if err := f.Chmod(0o600); err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Sync()
}

// ReadAuthorKeyFile reads the one author key in a secret key file.
func ReadAuthorKeyFile(name string) (*AuthorKey, error) {
	return readOne(name, "author keys", ParseAuthorKey)
}

// readOne reads a key file that must hold one key; kind is what to call several.
func readOne[K any](name, kind string, parse func(string) (*K, error)) (*K, error) {
	keys, err := readFile(name, parse)
	return onlyOne(keys, err, name, kind)
}

func onlyOne[K any](keys []*K, err error, name, kind string) (*K, error) {
	if err != nil {
		return nil, err
	}
	if len(keys) != 1 {
		return nil, &FileError{Name: name, Err: fmt.Errorf("holds %d %s, want one", len(keys), kind)}
	}
	return keys[0], nil
}

// ReadAuthorKey is ReadAuthorKeyFile for what was read from a file of that name.
func ReadAuthorKey(r io.Reader, name string) (*AuthorKey, error) {
	keys, err := readLines(r, name, ParseAuthorKey)
	return onlyOne(keys, err, name, "author keys")
}

// ReadIdentityFile reads the identities, at least one, in a secret key file.
func ReadIdentityFile(name string) ([]*Identity, error) { return readFile(name, ParseIdentity) }

// ReadIdentities is ReadIdentityFile for what was read from a file of that name.
func ReadIdentities(r io.Reader, name string) ([]*Identity, error) {
	return readLines(r, name, ParseIdentity)
}

// ReadRecipientsFile reads the recipients, at least one, in a file of public lines.
func ReadRecipientsFile(name string) ([]*Recipient, error) { return readFile(name, ParseRecipient) }

// ReadAuthorPublicKeyFile reads the authors, at least one, in a file of public lines.
func ReadAuthorPublicKeyFile(name string) ([]AuthorPublicKey, error) {
	return readFile(name, ParseAuthorPublicKey)
}

func readFile[K any](name string, parse func(string) (K, error)) ([]K, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return readLines(f, name, parse)
}

// What editors of Windows put before a text: the mark of UTF-8, which says nothing, and
// that of UTF-16, which is another encoding.
const (
	markUTF8  = "\ufeff"
	markUTF16 = "\xff\xfe"
)

// readLines parses one key a line; blank lines and lines that start with # are
// comments, lines may end in CRLF, and the first may begin with a byte order mark.
func readLines[K any](r io.Reader, name string, parse func(string) (K, error)) ([]K, error) {
	var keys []K
	limited := &io.LimitedReader{R: r, N: MaxKeyFile + 1}
	lines := bufio.NewScanner(limited)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if n == 1 && strings.HasPrefix(text, markUTF16) {
			return nil, &FileError{name, n, errors.New("the text is UTF-16, as older PowerShells write what > redirects: save it as UTF-8")}
		}
		if n == 1 {
			text = strings.TrimPrefix(text, markUTF8)
		}
		line := strings.TrimSpace(text)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parse(line)
		if err != nil {
			return nil, &FileError{name, n, err}
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, &FileError{Name: name, Err: err}
	}
	if limited.N <= 0 {
		return nil, &FileError{Name: name, Err: errors.New("too large for a key file")}
	}
	if len(keys) == 0 {
		return nil, &FileError{Name: name, Err: errors.New("holds no key")}
	}
	return keys, nil
}
