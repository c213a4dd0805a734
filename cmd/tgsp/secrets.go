// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"regexp"
	"strings"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// secretPlaceholder stands where a secret key would have been shown.
const secretPlaceholder = "(a secret key, not shown)"

var (
	// secretLine finds secret key lines by their prefix, whatever has become of
	// the rest: damaged, cut off, in capitals, with another sign for the colon. It
	// ends where a quotation may, so that JSON stays JSON.
	secretLine = regexp.MustCompile("(?i)tgsp-secret-[a-z0-9-]*(?::\\s*[a-z0-9][^\\s\\\\\"'`:,;)\\]}]*|[^/]?[a-z2-7]{40,})")
	// base32Run may be what a double click selects of a secret line. Public lines
	// look the same, and so do content ids: only the checksum tells.
	base32Run = regexp.MustCompile(`(?i)[a-z2-7]{58,}`)
)

// secretBodySizes are how many letters follow the colon in secret lines, of an
// epoch's secret and of all others.
var secretBodySizes = [...]int{122, 58}

// hideSecrets returns a text without the secret key lines in it. It is the last
// net under everything that is shown or logged: what quotes a user's words,
// a library's errors among it, cannot know that one of them is a key.
func hideSecrets(s string) string {
	s = secretLine.ReplaceAllString(s, secretPlaceholder)
	return base32Run.ReplaceAllStringFunc(s, func(run string) string {
		for _, size := range secretBodySizes {
			for i := 0; i+size <= len(run); i++ {
				if isSecretBody(run[i : i+size]) {
					return run[:i] + secretPlaceholder + run[i+size:]
				}
			}
		}
		return run
	})
}

// isSecretBody reports whether a word is the part of a secret line that is
// secret: the checksum in it covers the line's kind.
func isSecretBody(word string) bool {
	word = strings.ToLower(word)
	if _, err := tgspcrypto.ParseAuthorKey("tgsp-secret-author:" + word); err == nil {
		return true
	}
	if _, err := tgspcrypto.ParseAuthorityKey("tgsp-secret-fleet:" + word); err == nil {
		return true
	}
	if _, err := tgspcrypto.ParseEpochSecret("tgsp-secret-epoch:" + word); err == nil {
		return true
	}
	for _, kind := range []string{"tgsp-secret-x25519:", "tgsp-secret-mlkem768-x25519:"} {
		if _, err := tgspcrypto.ParseIdentity(kind + word); err == nil {
			return true
		}
	}
	return false
}

// refuseSecrets refuses arguments that hold a secret key, wherever it stands:
// it is never right there, and other users of the machine can read it there.
func refuseSecrets(args []string) error {
	for _, arg := range args {
		if hideSecrets(arg) != arg {
			err := usagef("a secret key stands among the arguments, where other users of this machine can read it, as in the shell's history")
			return withHint(err, "with -i and --sign-key give the file that holds it; where a public key belongs give the public line, as tgsp keygen prints it")
		}
	}
	return nil
}

// secretsHidden writes what is given to it without secret key lines. A line has
// to come in one piece.
type secretsHidden struct{ io.Writer }

func (w secretsHidden) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, hideSecrets(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
