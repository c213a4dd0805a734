// SPDX-License-Identifier: Apache-2.0

package crypto

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fixedLines are lines of every kind, the same in every run: the processes of a
// fuzzer share what they find.
func fixedLines(f *testing.F) []string {
	f.Helper()
	seed := bytes.Repeat([]byte{9}, 32)
	author, err := NewAuthorKey(seed)
	if err != nil {
		f.Fatal(err)
	}
	lines := []string{author.Public().String(), author.SecretLine()}
	for _, id := range fixedIdentities(f) {
		secret, err := id.SecretLine()
		if err != nil {
			f.Fatal(err)
		}
		lines = append(lines, id.Recipient().String(), secret)
	}
	authority, err := NewAuthorityKey(seed)
	if err != nil {
		f.Fatal(err)
	}
	return append(lines, authority.Public().String(), authority.SecretLine(), epochSecret(authority).SecretLine())
}

func fixedIdentities(f *testing.F) []*Identity {
	f.Helper()
	var all []*Identity
	for _, kem := range kems() {
		id, err := NewIdentity(kem, bytes.Repeat([]byte{9}, 32))
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, id)
	}
	return all
}

// lineOf parses a line as whatever it is and returns the line of what it holds.
func lineOf(line string) (string, error) {
	if k, err := ParseAuthorPublicKey(line); err == nil {
		return k.String(), nil
	}
	if k, err := ParseAuthorKey(line); err == nil {
		return k.SecretLine(), nil
	}
	if r, err := ParseRecipient(line); err == nil {
		return r.String(), nil
	}
	if k, err := ParseAuthorityPublicKey(line); err == nil {
		return k.String(), nil
	}
	if k, err := ParseAuthorityKey(line); err == nil {
		return k.SecretLine(), nil
	}
	if s, err := ParseEpochSecret(line); err == nil {
		return s.SecretLine(), nil
	}
	id, err := ParseIdentity(line)
	if err != nil {
		return "", err
	}
	return id.SecretLine()
}

// FuzzParseLine makes sure that one key has one line, and that an error says
// nothing of a line that may be a secret.
func FuzzParseLine(f *testing.F) {
	for _, line := range fixedLines(f) {
		f.Add(line)
	}
	f.Add("tgsp-author:aaaa")
	f.Fuzz(func(t *testing.T, line string) {
		back, err := lineOf(line)
		switch {
		case err == nil && back != strings.TrimSpace(line):
			t.Errorf("%q comes back as %q", line, back)
		case err != nil && !errors.As(err, new(*LineError)):
			t.Errorf("%q: %T", line, err)
		}
	})
}

// FuzzRawKeys gives keys with a right checksum, so that the fuzzer gets behind it.
func FuzzRawKeys(f *testing.F) {
	kinds := []string{lineAuthor, lineAuthorSecret}
	for _, kem := range kems() {
		kinds = append(kinds, kem.line(), kem.secretLine())
	}
	kinds = append(kinds, lineAuthority, lineAuthoritySecret, lineEpochSecret)
	for i, line := range fixedLines(f) {
		kind, raw, err := parseLine(line, "")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), raw)
		f.Add(uint8(0), []byte(kind))
	}
	for _, y := range smallOrder {
		for _, kind := range []string{lineAuthor, X25519.line(), lineAuthority} {
			f.Add(uint8(slices.Index(kinds, kind)), unhex(f, y))
		}
	}
	f.Add(uint8(len(kinds)-1), make([]byte, epochLineSize)) // of epoch 0
	f.Fuzz(func(t *testing.T, kind uint8, raw []byte) {
		line := formatLine(kinds[int(kind)%len(kinds)], raw)
		if back, err := lineOf(line); err == nil && back != line {
			t.Errorf("%q comes back as %q", line, back)
		}
		if r, err := ParseRecipient(line); err == nil {
			if _, _, err := r.Wrap(testKey(), nil, nil); err != nil {
				t.Errorf("%s is taken, and nothing can be wrapped for it: %v", line, err)
			}
		}
	})
}

// FuzzKeyFile makes sure that a file that is taken means what its lines say.
func FuzzKeyFile(f *testing.F) {
	lines := fixedLines(f)
	f.Add("# comment\r\n\n  " + lines[2] + "\r\n" + lines[4])
	f.Add(lines[2] + "\n" + lines[3] + "\n")
	f.Add("\ufeff" + lines[2])
	f.Add(lines[2] + "\r" + lines[2])
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := readLines(strings.NewReader(text), "keys", ParseRecipient)
		if err != nil {
			if e := new(FileError); !errors.As(err, &e) || e.Line > 1+strings.Count(text, "\n") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		var want []string
		for line := range strings.Lines(strings.TrimPrefix(text, markUTF8)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				want = append(want, line)
			}
		}
		if got := fmt.Sprint(keys); got != fmt.Sprint(want) {
			t.Errorf("%q holds %s", text, got)
		}
	})
}

// FuzzOpenMessage gives a key bytes that it has sealed, changed, and others: it
// opens what it has sealed alone.
func FuzzOpenMessage(f *testing.F) {
	const context = "test"
	want := map[string]string{}
	for _, suite := range Suites() {
		for _, n := range []int{0, 10, ChunkSize} {
			in, err := suite.instance()
			if err != nil {
				f.Fatal(err)
			}
			salt := bytes.Repeat([]byte{byte(n)}, SaltSize)
			s, err := newStream(in, testKey(), salt, context)
			if err != nil {
				f.Fatal(err)
			}
			message := s.sealAll(salt, testMessage(n))
			want[string(suite)+string(message)] = string(testMessage(n))
			f.Add(suite == AES256GCM, message)
			f.Add(suite != AES256GCM, message)
		}
	}
	f.Add(true, []byte{})
	f.Fuzz(func(t *testing.T, aes bool, message []byte) {
		suite := ChaCha20Poly1305
		if aes {
			suite = AES256GCM
		}
		plain, err := OpenMessage(suite, testKey(), message, context)
		sealed, known := want[string(suite)+string(message)]
		if known != (err == nil) || sealed != string(plain) {
			t.Errorf("%d bytes, %v; sealed by this key: %v", len(plain), err, known)
		}
		if err != nil && (plain != nil || !errors.Is(err, ErrCommitment) && !errors.Is(err, ErrChunk) && !errors.Is(err, ErrTruncated)) {
			t.Errorf("%d bytes come with the error %v", len(plain), err)
		}
	})
}

// FuzzUnwrap gives identities wrapped keys that nobody has made for them.
func FuzzUnwrap(f *testing.F) {
	ids := fixedIdentities(f)
	for i, id := range ids {
		f.Add(uint8(i), make([]byte, id.KEM().EncapsulationSize()), make([]byte, KeySize+16))
	}
	f.Fuzz(func(t *testing.T, which uint8, enc, wrapped []byte) {
		if key, err := ids[int(which)%len(ids)].Unwrap(enc, wrapped, nil, nil); !errors.Is(err, ErrUnwrap) || key != nil {
			t.Errorf("%x, %v", key, err)
		}
	})
}

// FuzzSealMessage makes sure that what is sealed opens again, and is as long as
// it says.
func FuzzSealMessage(f *testing.F) {
	for _, n := range edges {
		f.Add(uint32(n), []byte("x"), true)
		f.Add(uint32(n), []byte("index"), false)
	}
	f.Fuzz(func(t *testing.T, n uint32, context []byte, aes bool) {
		suite := ChaCha20Poly1305
		if aes {
			suite = AES256GCM
		}
		plain := testMessage(int(n % (3 * ChunkSize)))
		message, err := SealMessage(suite, testKey(), plain, string(context))
		if err != nil || int64(len(message)) != MessageSize(int64(len(plain))) {
			t.Fatalf("%d bytes, %v", len(message), err)
		}
		if back, err := OpenMessage(suite, testKey(), message, string(context)); err != nil || !bytes.Equal(back, plain) {
			t.Errorf("%d bytes come back, %v", len(back), err)
		}
		if _, err := OpenMessage(suite, testKey(), message, string(context)+"x"); !errors.Is(err, ErrCommitment) {
			t.Errorf("with another context: %v", err)
		}
	})
}
