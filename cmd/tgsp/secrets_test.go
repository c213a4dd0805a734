// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// secretLines holds a secret line of each kind.
func secretLines(t *testing.T) map[string]string {
	t.Helper()
	lines := map[string]string{"author": tgspcrypto.GenerateAuthorKey().SecretLine()}
	for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
		id, err := tgspcrypto.GenerateIdentity(kem)
		if err != nil {
			t.Fatal(err)
		}
		if lines[string(kem)], err = id.SecretLine(); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// shown returns a piece of a secret line's body that stands in a text, or "".
func shown(text, line string) string {
	text = strings.ToLower(text)
	_, body, _ := strings.Cut(strings.ToLower(line), ":")
	const window = 8
	for i := 0; i+window <= len(body); i++ {
		if strings.Contains(text, body[i:i+window]) {
			return body[i : i+window]
		}
	}
	return ""
}

// disguises are the forms in which a secret line gets into a message.
var disguises = map[string]func(kind, body string) string{
	"as it is":               func(kind, body string) string { return kind + ":" + body },
	"in capitals":            func(kind, body string) string { return strings.ToUpper(kind + ":" + body) },
	"cut off":                func(kind, body string) string { return kind + ":" + body[:20] },
	"with a wrong letter":    func(kind, body string) string { return kind + ":" + body[:20] + "1" + body[21:] },
	"with a wrong sign":      func(kind, body string) string { return kind + ":" + body[:20] + "-" + body[21:] },
	"with a space":           func(kind, body string) string { return kind + ": " + body },
	"in two lines":           func(kind, body string) string { return kind + ":\n" + body },
	"without the colon":      func(kind, body string) string { return kind + body },
	"with another sign":      func(kind, body string) string { return kind + "=" + body },
	"of a mistyped kind":     func(kind, body string) string { return strings.Replace(kind, "secret-", "secret-x", 1) + ":" + body },
	"what one click selects": func(_, body string) string { return body },
	"that in capitals":       func(_, body string) string { return strings.ToUpper(body) },
	"after a letter":         func(_, body string) string { return "r" + body },
	"after half a prefix":    func(_, body string) string { return "ecret-author:" + body },
}

func TestHideSecrets(t *testing.T) {
	frames := []string{"%s", "open /home/me/%s: no such file", `unknown command "%s" for "tgsp"`, "--trusted-key=%s", "%s, %[1]s", "(%s)", "a\n%s\nb", "%s.tgsp", "-o identity=%s,ro"}
	for name, line := range secretLines(t) {
		kind, body, _ := strings.Cut(line, ":")
		for how, disguise := range disguises {
			for _, frame := range frames {
				text := fmt.Sprintf(frame, disguise(kind, body))
				hidden := hideSecrets(text)
				if piece := shown(hidden, line); piece != "" {
					t.Errorf("%s %s shows %q: %s", name, how, piece, hidden)
				}
				if !strings.Contains(hidden, secretPlaceholder) {
					t.Errorf("%s %s: nothing says that something was hidden: %s", name, how, hidden)
				}
				if err := refuseSecrets([]string{"verify", text}); classify(err) != failUsage {
					t.Errorf("%s %s: %v, want a usage error", name, how, err)
				}
			}
		}
	}
}

// TestHideSecretsLeavesOthers looks at words that are like secret lines.
func TestHideSecretsLeavesOthers(t *testing.T) {
	id, err := tgspcrypto.GenerateIdentity(tgspcrypto.MLKEM768X25519)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		tgspcrypto.GenerateAuthorKey().Public().String(),
		id.Recipient().String(),
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", // a content id
		strings.Repeat("0123456789abcdef", 4),
		"/keys/tgsp-secret-x25519.key",
		"/srv/tgsp-secret-models/a-folder-with-a-name-of-more-than-forty-letters",
		(&tgspcrypto.LineError{Kind: "tgsp-secret-author", Err: errors.New("checksum does not match")}).Error(),
		(&tgspcrypto.LineError{Kind: "tgsp-secret-author", Want: "an identity's secret key (tgsp-secret-x25519:… or tgsp-secret-mlkem768-x25519:…)"}).Error(),
	} {
		if got := hideSecrets(text); got != text {
			t.Errorf("%s became %s", text, got)
		}
		if err := refuseSecrets([]string{text}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestReportHidesSecrets looks at messages, JSON and hints.
func TestReportHidesSecrets(t *testing.T) {
	for _, line := range secretLines(t) {
		var out bytes.Buffer
		a := &app{stdout: &out, stderr: secretsHidden{&out}}
		err := withHint(fmt.Errorf("invalid %q\nfor %s", line, line), "see %s", line)
		a.report(err)
		a.warnf("%s", line)
		a.notef("%s\n", line)
		a.printf("%s\n", line)
		if piece := shown(out.String(), line); piece != "" {
			t.Errorf("shows %q: %s", piece, &out)
		}
		if n := strings.Count(out.String(), secretPlaceholder); n != 6 {
			t.Errorf("%d secrets hidden, want 6: %s", n, &out)
		}
		out.Reset()
		a.json = true
		a.report(err)
		var v struct{ Error reportedError }
		if err := json.Unmarshal(out.Bytes(), &v); err != nil || v.Error.Code != 1 || shown(out.String(), line) != "" {
			t.Errorf("%v: %s", err, &out)
		}
		out.Reset()
		if err := a.writeJSON(map[string]string{"package": `a "` + line + `" b`}); err != nil || !json.Valid(out.Bytes()) || shown(out.String(), line) != "" {
			t.Errorf("%v: %s", err, &out)
		}
	}
}
