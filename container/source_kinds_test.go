// SPDX-License-Identifier: Apache-2.0

//go:build unix

package container

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSpecialFiles has models with things in them that are no files to pack.
func TestSpecialFiles(t *testing.T) {
	for kind, create := range map[string]func(name string) error{
		"a named pipe": func(name string) error { return unix.Mkfifo(name, 0o600) },
		"a socket": func(name string) error {
			l, err := new(net.ListenConfig).Listen(context.Background(), "unix", name)
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		},
	} {
		dir := t.TempDir()
		check(t, os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o600))
		special := filepath.Join(dir, "s")
		check(t, create(special))
		refusal := new(SourceError)
		if _, err := Scan(dir, SourceOptions{}); !errors.As(err, &refusal) || refusal.Path != special || !strings.Contains(err.Error(), kind) {
			t.Errorf("%s in a model: %v", kind, err)
		}
		if _, err := Scan(special, SourceOptions{}); !errors.As(err, new(*SourceError)) {
			t.Errorf("%s as a model: %v", kind, err)
		}
	}
}

// TestPackBesideItself packs into the folder where it runs, with a named
// temporary file as systems have it that know no other.
func TestPackBesideItself(t *testing.T) {
	x := pack(t, map[string][]byte{"a": {1}}, nil)
	src, err := Scan(writeModel(t, x.files), SourceOptions{})
	check(t, err)
	t.Chdir(t.TempDir())
	o := PackOptions{PackageID: "a", Version: "1.0.0", CreatedAt: created, Author: x.author, Recipients: x.recipients()}
	for _, create := range []func(string) (outputFile, error){createTemp, createNamedTemp} {
		_, err := packThrough(t.Context(), create, "out.tgsp", src, o)
		check(t, err)
		entries, err := os.ReadDir(".")
		check(t, err)
		if len(entries) != 1 || entries[0].Name() != "out.tgsp" {
			t.Errorf("%v", entries)
		}
		x.name = "out.tgsp"
		check(t, x.verify())
	}
}
