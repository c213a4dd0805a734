// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"errors"
	"strings"
	"testing"
)

// everyLine returns one line of each kind, by kind.
func everyLine(t testing.TB) map[string]string {
	t.Helper()
	author := GenerateAuthorKey()
	lines := map[string]string{lineAuthor: author.Public().String(), lineAuthorSecret: author.SecretLine()}
	for _, kem := range kems() {
		id := identity(t, kem)
		secret, err := id.SecretLine()
		if err != nil {
			t.Fatal(err)
		}
		lines[kem.line()], lines[kem.secretLine()] = id.Recipient().String(), secret
	}
	authority := GenerateAuthorityKey()
	lines[lineAuthority], lines[lineAuthoritySecret] = authority.Public().String(), authority.SecretLine()
	lines[lineEpochSecret] = epochSecret(authority).SecretLine()
	return lines
}

// parsers are the ways to read a line, with the kinds that each takes.
var parsers = map[string]struct {
	parse func(string) error
	kinds []string
}{
	"author":    {func(s string) error { _, err := ParseAuthorPublicKey(s); return err }, []string{"tgsp-author"}},
	"secret":    {func(s string) error { _, err := ParseAuthorKey(s); return err }, []string{"tgsp-secret-author"}},
	"recipient": {func(s string) error { _, err := ParseRecipient(s); return err }, []string{"tgsp-x25519", "tgsp-mlkem768-x25519"}},
	"identity":  {func(s string) error { _, err := ParseIdentity(s); return err }, []string{"tgsp-secret-x25519", "tgsp-secret-mlkem768-x25519"}},
	"fleet":     {func(s string) error { _, err := ParseAuthorityPublicKey(s); return err }, []string{"tgsp-fleet"}},
	"authority": {func(s string) error { _, err := ParseAuthorityKey(s); return err }, []string{"tgsp-secret-fleet"}},
	"epoch":     {func(s string) error { _, err := ParseEpochSecret(s); return err }, []string{"tgsp-secret-epoch"}},
}

// TestKindsAreNotConfused gives each line to each parser.
func TestKindsAreNotConfused(t *testing.T) {
	for kind, line := range everyLine(t) {
		if !strings.HasPrefix(line, kind+":") {
			t.Errorf("%s: its line starts with something else", kind)
		}
		for name, p := range parsers {
			takes := false
			for _, k := range p.kinds {
				takes = takes || k == kind
			}
			err := p.parse(line)
			if takes != (err == nil) {
				t.Errorf("%s as %s: %v", kind, name, err)
			}
			noSecretIn(t, err, line)
			if !takes && strings.HasPrefix(kind, "tgsp-secret") && name == "recipient" && !strings.Contains(err.Error(), "secret") {
				t.Errorf("%s as %s: the error does not warn: %v", kind, name, err)
			}
		}
	}
}

// noSecretIn fails the test where an error repeats the key.
func noSecretIn(t *testing.T, err error, line string) {
	t.Helper()
	_, key, _ := strings.Cut(line, ":")
	if err != nil && len(key) > 8 && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(key[:8])) {
		t.Errorf("the error holds the key: %v", err)
	}
}

func TestDamagedLines(t *testing.T) {
	for kind, line := range everyLine(t) {
		body := len(kind) + 1
		for name, damaged := range map[string]string{
			"empty": "", "no colon": strings.Replace(line, ":", "", 1), "another kind": "age1" + line,
			"upper case": line[:body] + strings.ToUpper(line[body:]), "no key": line[:body], "cut": line[:len(line)-1],
			"cut short": line[:body+4], "long": line + "aa", "foreign letter": line[:len(line)-1] + "1",
			"swapped": line[:body] + line[body+1:body+2] + line[body:body+1] + line[body+2:],
			"padding": line + "=", "inner space": line[:body+5] + " " + line[body+5:],
		} {
			if damaged == line {
				continue // two equal letters were swapped
			}
			for parser, p := range parsers {
				err := p.parse(damaged)
				if err == nil {
					t.Errorf("%s, %s: taken as %s", kind, name, parser)
				} else if !errors.As(err, new(*LineError)) {
					t.Errorf("%s, %s: %T", kind, name, err)
				}
				noSecretIn(t, err, line)
			}
		}
	}
}

// TestEveryLetterCounts mistypes each letter of a line.
func TestEveryLetterCounts(t *testing.T) {
	line := GenerateAuthorKey().Public().String()
	for i := len(lineAuthor) + 1; i < len(line); i++ {
		letter := byte('a')
		if line[i] == letter {
			letter = 'b'
		}
		if _, err := ParseAuthorPublicKey(line[:i] + string(letter) + line[i+1:]); err == nil {
			t.Errorf("letter %d can be mistyped", i)
		}
	}
}

func TestLineOfBadKey(t *testing.T) {
	for _, y := range smallOrder {
		if _, err := ParseAuthorPublicKey(formatLine(lineAuthor, unhex(t, y))); !errors.Is(err, ErrLowOrder) {
			t.Errorf("%s: %v", y, err)
		}
	}
	if _, err := ParseRecipient(formatLine("tgsp-x25519", make([]byte, 32))); !errors.Is(err, ErrLowOrder) {
		t.Errorf("a recipient of zeros: %v", err)
	}
	for _, n := range []int{0, 31, 33, 64, 71, 73} {
		for kind, parser := range map[string]string{"tgsp-author": "author", "tgsp-secret-author": "secret", "tgsp-x25519": "recipient",
			"tgsp-fleet": "fleet", "tgsp-secret-fleet": "authority", "tgsp-secret-epoch": "epoch",
			"tgsp-mlkem768-x25519": "recipient", "tgsp-secret-x25519": "identity", "tgsp-secret-mlkem768-x25519": "identity"} {
			if err := parsers[parser].parse(formatLine(kind, make([]byte, n))); err == nil {
				t.Errorf("%s of %d bytes was taken", kind, n)
			}
		}
	}
}

func TestSpacesAround(t *testing.T) {
	line := GenerateAuthorKey().Public().String()
	if _, err := ParseAuthorPublicKey("  " + line + "\r\n"); err != nil {
		t.Error(err)
	}
}
