// SPDX-License-Identifier: Apache-2.0

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

var errDisk = errors.New("the disk is gone")

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The name is made durable when it means the new file, and not before.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for _, text := range []string{"new", "replaced"} {
		synced := 0
		err := writeFile(name, []byte(text), 0o640, func(folder string) error {
			synced++
			if got, err := os.ReadFile(name); folder != dir || string(got) != text {
				t.Errorf("%s synced with %q in it, %v", folder, got, err)
			}
			return nil
		})
		check(t, err)
		if synced != 1 {
			t.Errorf("the folder was synced %d times", synced)
		}
	}
	check(t, WriteFile(name, []byte("for real"), 0o640))
	info, err := os.Stat(name)
	check(t, err)
	if info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" { // where bits are made up
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if err := writeFile(name, nil, 0o600, func(string) error { return errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("a name that is not durable: %v", err)
	}
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "folder")
	check(t, os.MkdirAll(filepath.Join(taken, "inside"), 0o700))
	for _, name := range []string{taken, filepath.Join(dir, "none", "file")} {
		err := writeFile(name, []byte("text"), 0o600, func(string) error {
			t.Errorf("%s was synced", name)
			return nil
		})
		if err == nil {
			t.Errorf("%s was written", name)
		}
	}
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// Each folder that is new is durable before there is one inside it.
func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	var synced []string
	record := func(folder string) error {
		synced = append(synced, folder)
		return nil
	}
	inner := filepath.Join(dir, "a", "b")
	check(t, mkdirAll(inner, 0o700, record))
	if want := []string{dir, filepath.Join(dir, "a")}; !slices.Equal(synced, want) {
		t.Errorf("synced %q, want %q", synced, want)
	}
	synced = nil
	check(t, mkdirAll(inner, 0o700, record))
	if len(synced) > 0 {
		t.Errorf("synced %q for a folder that was there", synced)
	}
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	if err := MkdirAll(filepath.Join(dir, "file"), 0o700); !errors.Is(err, fs.ErrExist) {
		t.Errorf("where a file is: %v", err)
	}
	if err := mkdirAll(filepath.Join(dir, "c", "d"), 0o700, func(string) error { return errDisk }); !errors.Is(err, errDisk) {
		t.Errorf("a name that is not durable: %v", err)
	}
}
