// SPDX-License-Identifier: Apache-2.0

package container

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// A manifest whose other numbers are all right.
var goodManifest = Manifest{FormatVersion: FormatVersion, PackageID: "a", Version: "1.0.0", Suite: tgspcrypto.AES256GCM, LeafHash: SHA256, SlotSize: minSlot}

// TestSlotSizes has the sizes at the edges of what a slot may have.
func TestSlotSizes(t *testing.T) {
	for size, want := range map[uint64]bool{
		0: false, pageSize: false, minSlot - pageSize: false, minSlot - 1: false, minSlot: true, minSlot + 1: false, minSlot + pageSize: true,
		maxSlot - pageSize: true, maxSlot - 1: false, maxSlot: true, maxSlot + 1: false, maxSlot + pageSize: false, 1 << 32: false, 1 << 63: false, 1<<63 + minSlot: false,
	} {
		m := goodManifest
		m.SlotSize = size
		if err := m.validate(); (err == nil) != want {
			t.Errorf("a slot of %d bytes: %v", size, err)
		}
	}
}

// TestIndexLimit puts the largest index into a preamble, and one byte more.
func TestIndexLimit(t *testing.T) {
	for length, want := range map[int64]string{maxIndex: "", maxIndex + 1: "preamble: index of 268435457 bytes"} {
		l := layout{slotSize: minSlot, index: length, tree: treeSize(1), payload: tgspcrypto.CiphertextSize(5)}
		got, err := parsePreamble(l.encode(), l.fileSize())
		if want == "" && (err != nil || got != l) || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("an index of %d bytes: %+v, %v", length, got, err)
		}
	}
}

// TestNotAPackage makes sure that a file of another kind is called just that,
// and one that only begins like a package is called cut off.
func TestNotAPackage(t *testing.T) {
	whole := (layout{slotSize: minSlot, index: tgspcrypto.MessageSize(pageSize), tree: treeSize(1), payload: tgspcrypto.CiphertextSize(5)}).encode()
	const foreign, cut = "this is not a TGSP package", ", in the preamble"
	for what, c := range map[string]struct {
		data []byte
		want string
	}{
		"nothing": {nil, foreign}, "a part of the magic": {whole[: len(magic)-1 : len(magic)], foreign}, "the magic alone": {whole[:len(magic)], "after 8 bytes" + cut},
		"all but a byte of the preamble": {whole[:preambleSize-1], "after 4095 bytes" + cut}, "zeros": {make([]byte, preambleSize), foreign},
		"a text": {[]byte(strings.Repeat("a letter ", 1000)), foreign}, "another magic": {append([]byte("\x89PNG"), whole[4:]...), foreign},
	} {
		if _, err := parsePreamble(c.data, 1<<20); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

// TestPayloadLimit has files that fill the largest payload, alone and together,
// and one byte more.
func TestPayloadLimit(t *testing.T) {
	for what, c := range map[string]struct {
		sizes []uint64
		good  bool
	}{
		"one file": {[]uint64{maxPayload}, true}, "two files": {[]uint64{5, maxPayload - 5}, false}, "two that fit": {[]uint64{leafPlaintext, maxPayload - leafPlaintext}, true},
		"a byte more": {[]uint64{maxPayload + 1}, false}, "a byte beside it": {[]uint64{maxPayload, 1}, false}, "none beside it": {[]uint64{maxPayload, 0}, true},
		"a size that wraps": {[]uint64{1 << 63}, false}, "sizes that wrap": {[]uint64{1<<64 - 1, 2}, false},
	} {
		files := make([]Entry, len(c.sizes))
		for i, size := range c.sizes {
			files[i].Size = size
		}
		starts, end, err := extents(files)
		switch {
		case c.good && (err != nil || len(starts) != len(files) || end != maxPayload):
			t.Errorf("%s: %d, %v", what, end, err)
		case !c.good && !errors.As(err, new(*FormatError)):
			t.Errorf("%s: %d, %v", what, end, err)
		}
	}
}

// TestManifestLimits takes each number of a manifest to its limit and past it.
func TestManifestLimits(t *testing.T) {
	check(t, goodManifest.validate())
	for what, c := range map[string]struct {
		limit uint64
		field func(*Manifest) *uint64
	}{
		"created_at":     {maxTime, func(m *Manifest) *uint64 { return &m.CreatedAt }},
		"payload_length": {maxPayload, func(m *Manifest) *uint64 { return &m.PayloadLength }},
		"not_before":     {maxTime, func(m *Manifest) *uint64 { return &m.Policy.NotBefore }},
		"not_after":      {maxTime, func(m *Manifest) *uint64 { return &m.Policy.NotAfter }},
		"grace_seconds": {maxTime, func(m *Manifest) *uint64 {
			m.Policy.NotAfter = 1
			return &m.Policy.GraceSeconds
		}},
	} {
		for _, over := range []uint64{0, 1, 1 << 63} {
			m := goodManifest
			*c.field(&m) = c.limit + over
			if err := m.validate(); over == 0 && err != nil || over > 0 && !errors.As(err, new(*FormatError)) {
				t.Errorf("%s of %d: %v", what, c.limit+over, err)
			}
		}
	}
	for length, want := range map[int]bool{128: true, 129: false} {
		version := "1.0.0-" + strings.Repeat("x", length-len("1.0.0-"))
		if err := CheckVersion(version); (err == nil) != want {
			t.Errorf("a version of %d bytes: %v", length, err)
		}
		if err := CheckPackageID(strings.Repeat("x", length)); (err == nil) != want {
			t.Errorf("a package id of %d bytes: %v", length, err)
		}
	}
}

// TestTableFillsIndex has a table that takes all of the index, one that is said
// to be a little longer, and one for which too little was kept.
func TestTableFillsIndex(t *testing.T) {
	doc := &indexDoc{Files: []Entry{{Path: "a", Size: 5, Mode: modeFile}}, Folders: []string{}}
	table := encode(doc)
	plain := append(binary.BigEndian.AppendUint32(nil, uint32(len(table))), table...)
	if back, _, err := parseIndex(plain, 5); err != nil || len(back.Files) != 1 {
		t.Errorf("a table that fills the index: %v", err)
	}
	for more := range uint32(2*indexPrefix + 1) {
		binary.BigEndian.PutUint32(plain, uint32(len(table))+more+1)
		if _, _, err := parseIndex(plain, 5); !errors.As(err, new(*FormatError)) {
			t.Errorf("a table that ends %d bytes after the index: %v", more+1, err)
		}
	}
	for cut := range indexPrefix + 1 {
		if _, _, err := parseIndex(make([]byte, cut), 0); !errors.As(err, new(*FormatError)) {
			t.Errorf("an index of %d zeros: %v", cut, err)
		}
	}
	if got := doc.tableSize(0); got != int64(len(table)) {
		t.Errorf("%d bytes are kept for a table of %d that nothing is added to", got, len(table))
	}

	dek := make([]byte, tgspcrypto.KeySize)
	sealed, err := doc.seal(tgspcrypto.AES256GCM, dek, make([]byte, tgspcrypto.SaltSize), int64(len(table))+indexPrefix)
	check(t, err)
	opened, err := tgspcrypto.OpenMessage(tgspcrypto.AES256GCM, dek, sealed, indexContext)
	check(t, err)
	if _, _, err := parseIndex(opened, 5); err != nil {
		t.Errorf("sealed with just enough room: %v", err)
	}
	_, err = doc.seal(tgspcrypto.AES256GCM, dek, make([]byte, tgspcrypto.SaltSize), int64(len(table))+indexPrefix-1)
	if err == nil || !strings.Contains(err.Error(), "needs 58 bytes and 57 were kept") {
		t.Errorf("sealed with a byte too little: %v", err)
	}
}

// TestPathLimit has paths of the greatest length, and one byte more.
func TestPathLimit(t *testing.T) {
	longest := strings.Repeat(strings.Repeat("x", 127)+"/", 8)
	longest = longest[:maxPath-1] + "y"
	check(t, CheckPath(longest))
	if err := CheckPath(longest[1:] + "/y"); err == nil || !strings.Contains(err.Error(), "it has 1025 bytes, and at most 1024 are allowed") {
		t.Errorf("a byte more: %v", err)
	}
}
