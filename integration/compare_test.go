// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// problem is one difference between a plain folder and its mount.
type problem struct {
	Path  string
	What  string
	Errno syscall.Errno // 0 when nothing failed but the result is wrong
}

// comparison is what the role "compare" reports.
type comparison struct {
	Files    int // compared, or tried
	Folders  int
	Bytes    int64 // equal ones
	Problems []problem
}

func (c *comparison) add(path, what string, err error) {
	p := problem{Path: path, What: what}
	if err != nil {
		p.What += ": " + err.Error()
		errors.As(err, &p.Errno)
	}
	c.Problems = append(c.Problems, p)
}

// compareTrees is the role "compare PLAIN MOUNT MTIME": names, kinds, sizes,
// executable bits and all bytes, and the time of change when MTIME is not 0.
func compareTrees(args []string) (any, error) {
	plain, mount := args[0], args[1]
	mtime, err := strconv.ParseInt(args[2], 10, 64)
	if err != nil {
		return nil, err
	}
	c := &comparison{}
	seen := make(map[string]bool)
	err = fs.WalkDir(os.DirFS(plain), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen[path] = true
		a, b := filepath.Join(plain, path), filepath.Join(mount, path)
		c.compareStat(path, a, b, mtime)
		if d.IsDir() {
			c.Folders++
			return nil
		}
		c.Files++
		return c.compareBytes(path, a, b)
	})
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(os.DirFS(mount), ".", func(path string, _ fs.DirEntry, err error) error {
		if !seen[path] {
			c.add(path, "is only in the mount", nil)
		}
		return err
	})
	return c, err
}

func (c *comparison) compareStat(path, plain, mount string, mtime int64) {
	a, err := os.Lstat(plain)
	if err != nil {
		c.add(path, "plain", err)
		return
	}
	b, err := os.Lstat(mount)
	if err != nil {
		c.add(path, "stat", err)
		return
	}
	const executable = 0o111
	switch {
	case a.Mode().Type() != b.Mode().Type():
		c.add(path, fmt.Sprintf("is %v, want %v", b.Mode(), a.Mode()), nil)
	case !a.IsDir() && a.Size() != b.Size():
		c.add(path, fmt.Sprintf("has %d bytes, want %d", b.Size(), a.Size()), nil)
	case (a.Mode()&executable == 0) != (b.Mode()&executable == 0):
		c.add(path, fmt.Sprintf("has mode %v, want %v", b.Mode(), a.Mode()), nil)
	}
	if mtime != 0 && b.ModTime().Unix() != mtime {
		c.add(path, fmt.Sprintf("changed at %v, want %d", b.ModTime().Unix(), mtime), nil)
	}
}

// compareBytes reports a difference as a problem; an error is one of the plain file.
func (c *comparison) compareBytes(path, plain, mount string) error {
	a, err := os.Open(plain)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(mount)
	if err != nil {
		c.add(path, "open", err)
		return nil
	}
	defer b.Close()
	want, got := make([]byte, 1<<20), make([]byte, 1<<20)
	for offset := int64(0); ; offset += int64(len(want)) {
		n, err := a.ReadAt(want, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		m, err := b.ReadAt(got, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			c.add(path, fmt.Sprintf("read at %d", offset), err)
			return nil
		}
		if n != m || !bytes.Equal(want[:n], got[:m]) {
			c.add(path, fmt.Sprintf("differs in the MiB from %d (%d bytes, want %d)", offset, m, n), nil)
			return nil
		}
		c.Bytes += int64(n)
		if n < len(want) {
			return nil
		}
	}
}

// compare runs the comparison as the user, in a process of its own.
func compare(t *testing.T, u *rig.User, plain, mount string, mtime int64) comparison {
	t.Helper()
	var c comparison
	child(t, u, &c, "compare", plain, mount, strconv.FormatInt(mtime, 10))
	return c
}

// wantEqual fails the test for every difference.
func wantEqual(t *testing.T, c comparison, files int) {
	t.Helper()
	for _, p := range c.Problems {
		t.Errorf("%s: %s", p.Path, p.What)
	}
	if c.Files != files {
		t.Errorf("compared %d files, want %d", c.Files, files)
	}
}
