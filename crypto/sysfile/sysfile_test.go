// SPDX-License-Identifier: Apache-2.0

//go:build unix || windows

package sysfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// forOwner fails the test where others may do anything with a file or folder.
func forOwner(t *testing.T, name string) {
	t.Helper()
	for what, judge := range map[string]func(string) (bool, error){"use": Shared, "change": WritableByOthers} {
		if others, err := judge(name); others || err != nil {
			t.Errorf("others may %s %s: %t, %v", what, name, others, err)
		}
	}
}

// What is made for the owner is so from the beginning, also inside of a folder that
// is for everybody, and what is inside of a folder for the owner as well.
func TestPrivate(t *testing.T) {
	dir := t.TempDir()
	check(t, shareFolder(dir))
	f, err := OpenPrivate(filepath.Join(dir, "new"), os.O_RDWR|os.O_CREATE|os.O_EXCL)
	check(t, err)
	forOwner(t, f.Name())
	_, err = f.WriteString("text")
	check(t, errors.Join(err, f.Sync(), f.Close()))
	if _, err := OpenPrivate(f.Name(), os.O_RDWR|os.O_CREATE|os.O_EXCL); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file was made anew: %v", err)
	}
	for _, name := range []string{f.Name(), filepath.Join(dir, "log")} {
		f, err := OpenPrivate(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		check(t, err)
		forOwner(t, name)
		_, err = f.WriteString(" more")
		check(t, errors.Join(err, f.Close()))
	}
	if text, err := os.ReadFile(f.Name()); string(text) != "text more" {
		t.Errorf("%q, %v", text, err)
	}
	f, err = CreateTempPrivate(dir, ".x.*.tmp")
	check(t, errors.Join(err, f.Close()))
	forOwner(t, f.Name())

	inner := filepath.Join(dir, "folder")
	check(t, MkdirPrivate(inner))
	forOwner(t, inner)
	if err := MkdirPrivate(inner); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder was made anew: %v", err)
	}
	if _, err := OpenPrivate(filepath.Join(dir, "none", "file"), os.O_RDWR|os.O_CREATE); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in no folder: %v", err)
	}
	temp, err := MkdirTempPrivate(dir, "x-*")
	check(t, err)
	forOwner(t, temp)
	check(t, os.MkdirAll(filepath.Join(temp, "a", "b"), 0o700))
	check(t, os.WriteFile(filepath.Join(temp, "a", "c"), nil, 0o600))
	check(t, RemoveAll(temp))
	if _, err := os.Lstat(temp); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was not removed: %v", err)
	}
}

func TestShared(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	check(t, os.WriteFile(name, nil, 0o600))
	check(t, shareFile(name))
	if others, err := Shared(name); !others || err != nil {
		t.Errorf("others may read it: %t, %v", others, err)
	}
	if others, err := WritableByOthers(name); others || err != nil {
		t.Errorf("others may write to it: %t, %v", others, err)
	}
	check(t, shareFolder(dir))
	if others, err := WritableByOthers(dir); !others || err != nil {
		t.Errorf("others may write into the folder: %t, %v", others, err)
	}
	if _, err := Shared(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
}

// Both names are there before, and one after: what it held is what the other held.
func TestRename(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	check(t, os.WriteFile(from, []byte("new"), 0o600))
	check(t, os.WriteFile(to, []byte("old"), 0o600))
	check(t, Rename(from, to))
	if text, err := os.ReadFile(to); string(text) != "new" {
		t.Errorf("%q, %v", text, err)
	}
	if err := Rename(from, to); !errors.Is(err, fs.ErrNotExist) || InUse(err) {
		t.Errorf("what is not there was renamed: %v", err)
	}
	f, err := OpenForChange(to)
	check(t, err)
	check(t, f.Close())
}
