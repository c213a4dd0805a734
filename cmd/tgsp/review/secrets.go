// SPDX-License-Identifier: Apache-2.0

package review

import (
	"bytes"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mostText is how much of a file is looked through for secrets, in bytes. Files with
// tokens and keys are small, and vocabularies need not be searched whole.
const mostText = 1 << 20

// secretFiles are names that programs keep secrets under.
var secretFiles = map[string]string{
	".netrc": "passwords for servers", "_netrc": "passwords for servers",
	".pypirc": "passwords for package indexes", ".git-credentials": "passwords of git",
	".pgpass": "passwords of databases", ".htpasswd": "passwords of a web server",
	"id_rsa": "a private key of SSH", "id_dsa": "a private key of SSH",
	"id_ecdsa": "a private key of SSH", "id_ed25519": "a private key of SSH",
}

// secretPaths are ends of paths that programs keep secrets under.
var secretPaths = map[string]string{
	".aws/credentials":  "keys of AWS",
	"huggingface/token": "a token of Hugging Face", ".huggingface/token": "a token of Hugging Face",
	".kube/config": "keys of a Kubernetes cluster",
}

// keyStores are extensions of files that hold private keys and passwords.
var keyStores = []string{".p12", ".pfx", ".jks", ".keystore", ".kdbx"}

// secretName says what secret a file has by its name, or "".
func secretName(p string) string {
	p = strings.ToLower(p)
	name := path.Base(p)
	if what := secretFiles[name]; what != "" {
		return what
	}
	for end, what := range secretPaths {
		if p == end || strings.HasSuffix(p, "/"+end) {
			return what
		}
	}
	if slices.Contains(keyStores, path.Ext(name)) {
		return "a store of keys"
	}
	if name == ".env" || strings.HasPrefix(name, ".env.") && !isSample(name) {
		return "settings of an environment, where passwords stand"
	}
	return ""
}

// isSample reports whether a name is that of a template without values.
func isSample(name string) bool {
	for _, end := range []string{".example", ".sample", ".template", ".dist"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// secretTexts are what keys and tokens look like. The tokens' forms are those that
// their issuers document, for such searches; each has enough letters that none comes
// about by chance.
var secretTexts = []struct {
	what string
	form *regexp.Regexp
}{
	{"a private key", regexp.MustCompile(`-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`)},
	{"a secret key of tgsp", regexp.MustCompile(`tgsp-secret-[a-z0-9-]+:[a-z2-7]{20}`)},
	{"a secret key of age", regexp.MustCompile(`AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{50}`)},
	{"a token of Hugging Face", regexp.MustCompile(`\bhf_[A-Za-z0-9]{34,}\b`)},
	{"a token of GitHub", regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{60,})`)},
	{"a token of GitLab", regexp.MustCompile(`\bglpat-[A-Za-z0-9_-]{20,}`)},
	{"a key of AWS", regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z2-7]{16}\b`)},
	{"a key of Google", regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`)},
	{"a key of OpenAI or Anthropic", regexp.MustCompile(`\bsk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{40,}`)},
	{"a key of NVIDIA", regexp.MustCompile(`\bnvapi-[A-Za-z0-9_-]{60,}`)},
	{"a token of Slack", regexp.MustCompile(`\bxox[abposr]-[A-Za-z0-9-]{20,}`)},
}

// variety is how many different letters a token has at the least. Documents show
// tokens of one letter over and over.
const variety = 10

// lookForSecrets looks through a file that holds text.
func (l *look) lookForSecrets(f io.ReaderAt) error {
	text := make([]byte, min(l.file.Size, mostText))
	n, err := f.ReadAt(text, 0)
	if err != nil && err != io.EOF {
		return err
	}
	text = text[:n]
	defer clear(text)
	if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
		return nil // no text
	}
	for _, s := range secretTexts {
		for _, hit := range s.form.FindAll(text, -1) {
			if varied(hit) {
				l.found(Secret, s.what)
				return nil
			}
		}
	}
	return nil
}

func varied(token []byte) bool {
	seen := map[byte]bool{}
	for _, c := range token {
		seen[c] = true
	}
	return len(seen) >= variety
}
