// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func TestPackVerifyRead(t *testing.T) {
	for _, suite := range tgspcrypto.Suites() {
		for _, leafHash := range LeafHashes() {
			for _, kem := range []tgspcrypto.KEM{tgspcrypto.X25519, tgspcrypto.MLKEM768X25519} {
				t.Run(fmt.Sprint(suite, leafHash, kem), func(t *testing.T) {
					id := newIdentity(t, kem)
					x := pack(t, smallModel(), func(o *PackOptions) {
						o.Suite, o.LeafHash, o.Recipients = suite, leafHash, []*tgspcrypto.Recipient{id.Recipient()}
					})
					x.identity = id
					check(t, x.verify())
					r, err := x.open(x.bytes(t))
					check(t, err)
					x.checkContents(t, r)
				})
			}
		}
	}
}

func TestReadAtRandomPlaces(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"a": 100_001, "b": alignFrom, "c": alignFrom + 12345, "d": 3 * leafPlaintext}), nil)
	f, err := OpenFile(x.name)
	check(t, err)
	a, err := f.Accept(x.trust())
	check(t, err)
	r, err := a.Open(Facts{Now: created}, x.identities())
	check(t, err)
	defer r.Close() // only read
	x.checkContents(t, r)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 100 {
				file := random.IntN(len(r.Files()))
				want := x.files[r.Files()[file].Path]
				from := random.IntN(len(want))
				p := make([]byte, random.IntN(2<<20))
				n, err := r.ReadFileAt(file, p, int64(from))
				atEnd := from+len(p) > len(want)
				if atEnd != errors.Is(err, io.EOF) || !atEnd && err != nil || !bytes.Equal(p[:n], want[from:min(from+len(p), len(want))]) {
					t.Errorf("file %d from %d, %d bytes: got %d, %v", file, from, len(p), n, err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := r.ReadFileAt(0, make([]byte, 1), -1); err == nil {
		t.Error("a negative offset was read")
	}
	if n, err := r.ReadFileAt(0, make([]byte, 1), int64(r.Files()[0].Size)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

func TestLargeFilesStartOnLeaves(t *testing.T) {
	x := pack(t, randomFiles(map[string]int{"aaa": alignFrom + 1, "bbb": 5, "ccc": alignFrom}), nil)
	r, err := x.open(x.bytes(t))
	check(t, err)
	for i, entry := range r.Files() {
		if entry.Size >= alignFrom && r.Place(i)%leafPlaintext != 0 {
			t.Errorf("%s starts at %d", entry.Path, r.Place(i))
		}
	}
	if r.Files()[0].Path != "bbb" {
		t.Errorf("%s comes before the small file", r.Files()[0].Path)
	}
}

func TestPackReplacesOlderPackage(t *testing.T) {
	x := pack(t, smallModel(), nil)
	check(t, os.Chmod(x.name, 0o644))
	y := pack(t, smallModel(), nil)
	check(t, os.Rename(y.name, x.name))
	y.name = x.name
	check(t, y.verify())
}

func TestManyFiles(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 3000 {
		files[fmt.Sprintf("d%02d/file with a name of forty bytes %06d", i%50, i)] = []byte(fmt.Sprint("contents ", i))
	}
	x := pack(t, files, nil)
	check(t, x.verify())
	r, err := x.open(x.bytes(t))
	check(t, err)
	x.checkContents(t, r)
}

// The goal is less than 1 MB and 1 % for 10,000 tiny files.
func TestOverhead(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 10_000 {
		files[fmt.Sprintf("a/folder/with a path of 40 bytes/%07d", i)] = bytes.Repeat([]byte{byte(i)}, 1000)
	}
	x := pack(t, files, nil)
	info, err := os.Stat(x.name)
	check(t, err)
	const payload = 10_000 * 1000
	if over := info.Size() - payload; over > 1_000_000+payload/100 {
		t.Errorf("%d bytes for a payload of %d", over, payload)
	}
}

func TestEmptyFoldersAndModes(t *testing.T) {
	dir := writeModel(t, map[string][]byte{"run.sh": []byte("#!/bin/sh\n"), "data": {1}})
	check(t, os.Chmod(dir+"/run.sh", 0o755))
	check(t, os.MkdirAll(dir+"/nothing/here", 0o755))
	x := pack(t, map[string][]byte{"x": {1}}, nil)
	src, err := Scan(dir, SourceOptions{})
	check(t, err)
	_, err = Pack(t.Context(), x.name, src, PackOptions{PackageID: "a", Version: "1.0.0", CreatedAt: created, Author: x.author, Recipients: []*tgspcrypto.Recipient{x.identity.Recipient()}})
	check(t, err)
	r, err := x.open(x.bytes(t))
	check(t, err)
	if folders := fmt.Sprint(r.Folders()); folders != "[nothing/here]" {
		t.Errorf("folders: %s", folders)
	}
	modes := map[string]uint64{"run.sh": modeExecutable, "data": modeFile}
	if runtime.GOOS == "windows" { // where no file says of itself that it is a program
		modes["run.sh"] = modeFile
	}
	for _, entry := range r.Files() {
		if want := modes[entry.Path]; entry.Mode != want {
			t.Errorf("%s has mode %o", entry.Path, entry.Mode)
		}
	}
}
