// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

var errStorage = errors.New("medium error")

// brokenReader fails where a read touches a range.
type brokenReader struct {
	data     []byte
	from, to int64
}

func (b *brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off < b.to && b.from < off+int64(len(p)) {
		return 0, errStorage
	}
	return bytes.NewReader(b.data).ReadAt(p, off)
}

// TestFailingStorage has each section fail to be read, before and after the
// package was opened. The error is the storage's, never one of the package.
func TestFailingStorage(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 100, "b": 3 * leafPlaintext}), nil)
	data := x.bytes(t)
	l := mustLayout(t, data)
	typed := func(err error) bool {
		return errors.As(err, new(*FormatError)) || errors.As(err, new(*AlteredError)) || errors.As(err, new(*SignatureError))
	}
	for name, s := range map[string]struct {
		from, to int64
		opens    bool
	}{
		"preamble": {0, preambleSize, false}, "slots": {preambleSize, l.indexOffset(), false}, "index": {l.indexOffset(), l.treeOffset(), false},
		"tree": {l.treeOffset(), l.gapOffset(), true}, "gap": {l.gapOffset(), l.payloadOffset(), true}, "payload": {l.payloadOffset(), l.fileSize(), true},
	} {
		t.Run(name, func(t *testing.T) {
			src := &brokenReader{data: data, from: s.from, to: s.to}
			for _, identities := range [][]*tgspcrypto.Identity{nil, x.identities()} {
				f, err := NewFile(src, int64(len(data)))
				if err == nil {
					_, err = f.Verify(t.Context(), VerifyOptions{Trust: x.trust(), Identities: identities})
				}
				if !errors.Is(err, errStorage) || typed(err) {
					t.Errorf("verify with %d identities: %v", len(identities), err)
				}
			}
			r, err := x.openFrom(src, int64(len(data)))
			if !s.opens {
				if !errors.Is(err, errStorage) || typed(err) {
					t.Errorf("open: %v", err)
				}
				return
			}
			check(t, err)
			_, err = r.ReadFileAt(1, make([]byte, 10), 0)
			if name == "gap" {
				check(t, err) // no reader needs it
			} else if !errors.Is(err, errStorage) || typed(err) {
				t.Errorf("read: %v", err)
			}
		})
	}
}

// TestRefusedOutputs gives Pack places where it must not write.
func TestRefusedOutputs(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, nil)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign")
	check(t, os.WriteFile(foreign, []byte("a letter to somebody, which is longer than the magic"), 0o600))
	short := filepath.Join(dir, "short")
	check(t, os.WriteFile(short, []byte("hi"), 0o600))
	empty := filepath.Join(dir, "empty")
	check(t, os.WriteFile(empty, nil, 0o600))
	check(t, mkdir(dir, "folder"))
	for name, ok := range map[string]bool{foreign: false, short: false, filepath.Join(dir, "folder"): false, filepath.Join(dir, "missing", "x"): false, filepath.Join(empty, "x"): false, empty: true, x.name: true} {
		before, readErr := os.ReadFile(name)
		_, err := Pack(t.Context(), name, src, PackOptions{PackageID: "a", Version: "1.0.0", CreatedAt: created, Author: x.author, Recipients: x.recipients()})
		if (err == nil) != ok {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(name); !ok && readErr == nil && !bytes.Equal(before, after) {
			t.Errorf("%s: refused, and written to", name)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestRefusedOptions gives Pack what no package can be made of.
func TestRefusedOptions(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, nil)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	many := make([]*tgspcrypto.Recipient, maxRecipients+1)
	for i := range many {
		many[i] = x.recipients()[0]
	}
	hybrid := newIdentity(t, tgspcrypto.MLKEM768X25519).Recipient()
	large := make([]*tgspcrypto.Recipient, 300)
	for i := range large {
		large[i] = hybrid
	}
	out := filepath.Join(t.TempDir(), "out.tgsp")
	for what, change := range map[string]func(*PackOptions){
		"no author":           func(o *PackOptions) { o.Author = nil },
		"no recipients":       func(o *PackOptions) { o.Recipients = nil },
		"1,025 recipients":    func(o *PackOptions) { o.Recipients = many },
		"recipients too long": func(o *PackOptions) { o.Recipients = large },
		"suite":               func(o *PackOptions) { o.Suite = "AEAD_NONE" },
		"leaf hash":           func(o *PackOptions) { o.LeafHash = "MD5" },
		"package id":          func(o *PackOptions) { o.PackageID = "A" },
		"metadata":            func(o *PackOptions) { o.Metadata = []byte("[]") },
		"window":              func(o *PackOptions) { o.Policy.NotBefore, o.Policy.NotAfter = 2, 1 },
	} {
		o := PackOptions{PackageID: "a", Version: "1.0.0", CreatedAt: created, Author: x.author, Recipients: x.recipients()}
		change(&o)
		if _, err := Pack(t.Context(), out, src, o); err == nil {
			t.Errorf("%s: packed", what)
		}
		if _, err := os.Stat(out); err == nil {
			t.Errorf("%s: there is a package", what)
		}
	}
	// A recipient who is named twice has one entry.
	y := pack(t, x.files, func(o *PackOptions) { o.Recipients = append(o.Recipients, o.Recipients...) })
	f, err := OpenFile(y.name)
	check(t, err)
	defer f.Close() // only read
	if n := len(f.Claims().Recipients()); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// TestUnreadablePackages opens what is no file to open.
func TestUnreadablePackages(t *testing.T) {
	if _, err := OpenFile(t.TempDir()); !errors.As(err, new(*FormatError)) {
		t.Errorf("a folder: %v", err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := OpenFile(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := BeginChange(missing, &Trust{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a change of a missing file: %v", err)
	}
	if _, err := Repair(missing, &Trust{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a repair of a missing file: %v", err)
	}
}

// TestErrorTexts makes sure that every kind of error says what, where and which.
func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"preamble: too short":                                        &FormatError{"preamble", "too short"},
		"it is missing":                                              &SignatureError{Reason: "it is missing"},
		"signature by tgsp-author:x: it is wrong":                    &SignatureError{"tgsp-author:x", "it is wrong"},
		"nobody knows it":                                            &UntrustedError{Reason: "nobody knows it"},
		`file "a/b" at offset 7: not signed`:                         &AlteredError{"file", "a/b", 7, "not signed"},
		"payload at offset 7 of the package: not signed":             &AlteredError{Part: "payload", Offset: 7, Reason: "not signed"},
		"no identity was given to open it with":                      &NoKeyError{},
		"the identity that was given does not open it":               &NoKeyError{Tried: 1},
		"none of the 2 identities given opens it":                    &NoKeyError{Tried: 2},
		"the policy's not_after forbids it: want a, got b":           &PolicyError{ClauseNotAfter, "a", "b"},
		"x is older than what was accepted before: it is b, after a": &RollbackError{"x", "a", "b"},
		"a change of the envelope was cut off: both are used":        &UnfinishedError{"both are used"},
		"a: it is a socket":                                          &SourceError{Path: "a", Reason: "it is a socket"},
		"a: it cannot be read: medium error":                         &SourceError{Path: "a", Reason: "it cannot be read", Err: errStorage},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !errors.Is(&SourceError{Err: errStorage}, errStorage) {
		t.Error("a SourceError hides its cause")
	}
	sum := Hash{0xab, 31: 0x01}
	if got := sum.String(); len(got) != 64 || got != fmt.Sprintf("%x", sum[:]) {
		t.Errorf("%q", got)
	}
}
