// SPDX-License-Identifier: Apache-2.0

package container

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// TestNoDescriptorIsLeft counts the open files before and after all that opens
// some, whether it succeeds or is refused. Nothing is collected meanwhile, which
// would close what was forgotten.
func TestNoDescriptorIsLeft(t *testing.T) {
	x := pack(t, smallModel(), nil)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign")
	check(t, os.WriteFile(foreign, []byte("a letter"), 0o600))
	torn := filepath.Join(dir, "torn")
	data := x.bytes(t)
	data[mustLayout(t, data).slotOffset(1)] = 1
	packTo := func(name string, change func(*PackOptions)) error {
		o := x.options()
		change(&o)
		_, err := Pack(t.Context(), name, src, o)
		return err
	}
	nothing := func(*PackOptions) {}
	// More than all batches together hold, so that the file is open when the first
	// write fails.
	large := filepath.Join(dir, "large")
	check(t, os.WriteFile(large, nil, 0o600))
	check(t, os.Truncate(large, 3*(maxWorkers+1)*batchPlaintext))
	largeSource, err := Scan(large, SourceOptions{})
	check(t, err)
	failing := func(target string) (outputFile, error) {
		f, err := createTemp(target)
		return &faultyFile{outputFile: f, steps: new([]string), fail: 2, failure: errStorage}, err
	}
	open := func(name string, trust *Trust) error {
		f, err := OpenFile(name)
		if err != nil {
			return err
		}
		defer f.Close() // only read
		a, err := f.Accept(trust)
		if err != nil {
			return err
		}
		r, err := a.Open(Facts{Now: created}, x.identities())
		if err != nil {
			return err
		}
		x.checkContents(t, r)
		return r.Close()
	}
	change := func(name string, trust *Trust, key *tgspcrypto.AuthorKey) error {
		c, err := BeginChange(name, trust)
		if err != nil {
			return err
		}
		_, err = c.AddRecipients([]*tgspcrypto.Recipient{newIdentity(t, tgspcrypto.X25519).Recipient()}, x.identities(), key)
		check(t, c.End())
		return err
	}
	stranger := tgspcrypto.GenerateAuthorKey()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for what, c := range map[string]struct {
		do   func() error
		good bool
	}{
		"pack":                  {func() error { return packTo(filepath.Join(dir, "new.tgsp"), nothing) }, true},
		"pack over a letter":    {func() error { return packTo(foreign, nothing) }, false},
		"pack what is too much": {func() error { return packTo(filepath.Join(dir, "x"), func(o *PackOptions) { o.PackageID = "A" }) }, false},
		"pack and fail in a file": {func() error {
			_, err := packThrough(t.Context(), failing, filepath.Join(dir, "x"), largeSource, x.options())
			return err
		}, false},
		"open":                     {func() error { return open(x.name, x.trust()) }, true},
		"open a letter":            {func() error { return open(foreign, x.trust()) }, false},
		"open a stranger's":        {func() error { return open(x.name, &Trust{}) }, false},
		"change":                   {func() error { return change(x.name, x.trust(), x.author) }, true},
		"change a letter":          {func() error { return change(foreign, x.trust(), x.author) }, false},
		"change a stranger's":      {func() error { return change(x.name, &Trust{}, x.author) }, false},
		"change by a stranger":     {func() error { return change(x.name, x.trust(), stranger) }, false},
		"change what was cut off":  {func() error { check(t, os.WriteFile(torn, data, 0o600)); return change(torn, x.trust(), x.author) }, true},
		"repair":                   {func() error { check(t, os.WriteFile(torn, data, 0o600)); _, err := Repair(torn, x.trust()); return err }, true},
		"repair a stranger's":      {func() error { _, err := Repair(x.name, &Trust{}); return err }, false},
		"repair a letter":          {func() error { _, err := Repair(foreign, x.trust()); return err }, false},
		"scan a model":             {func() error { _, err := Scan(filepath.Dir(src.Files[0].Name), SourceOptions{}); return err }, true},
		"scan a model that is not": {func() error { _, err := Scan(filepath.Join(dir, "missing"), SourceOptions{}); return err }, false},
	} {
		before := descriptors(t)
		if err := c.do(); (err == nil) != c.good {
			t.Errorf("%s: %v", what, err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%s: %d descriptors became %d", what, before, after)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	return len(list)
}
