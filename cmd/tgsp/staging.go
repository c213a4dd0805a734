// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// staging takes the files of a package into a folder that nobody else can enter,
// on the target's file system, until all were found right. It goes through
// os.Root, so that no name and no link leads out of it.
type staging struct {
	dir    string   // the target
	fresh  bool     // the target does not exist yet: the whole folder becomes it
	force  bool     // files that are there are replaced
	temp   string   // path of the staging folder
	root   *os.Root // of the staging folder
	names  []string // files, as they came
	folder []string // folders that hold nothing
}

// newStaging makes the folder: beside a target that does not exist, or inside of
// one that does.
func newStaging(dir string, force bool) (*staging, error) {
	s := &staging{dir: dir, force: force}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		s.fresh = true
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, withHint(fmt.Errorf("%s is not a folder", dir), "name a folder, one that exists or a new one")
	}
	// What ends up in a folder that is there is for those who may use that folder. On
	// Windows it has from its beginning the access that it is to keep.
	parent, mkdir := dir, os.MkdirTemp
	if s.fresh {
		parent, mkdir = filepath.Dir(filepath.Clean(dir)), sysfile.MkdirTempPrivate
	}
	temp, err := mkdir(parent, ".tgsp-extract-*")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(err, "make it first: %s", mkdirCommand(parent))
	}
	if err != nil {
		return nil, err
	}
	s.temp = temp
	if s.root, err = os.OpenRoot(temp); err != nil {
		return nil, errors.Join(err, os.Remove(temp))
	}
	return s, nil
}

// refuse says which of the package's names are taken, before anything is written.
func (s *staging) refuse(r *container.Reader) error {
	if s.fresh {
		return nil
	}
	target, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer target.Close() //nolint:errcheck // only looked at
	var taken []string
	for _, e := range r.Files() {
		info, err := target.Lstat(e.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil: // a file where a folder is wanted, or a link that leads out
			return withHint(fmt.Errorf("extracting to %s: %w", s.dir, err), "choose a folder that is empty or new")
		case info.IsDir():
			return withHint(fmt.Errorf("%s is a folder, and the package has a file of that name", filepath.Join(s.dir, e.Path)), "choose a folder that is empty or new")
		case !s.force:
			taken = append(taken, filepath.Join(s.dir, e.Path))
		}
	}
	if len(taken) > 0 {
		return withHint(fmt.Errorf("already there: %s", shortList(taken)), "choose another folder, or replace them with --force")
	}
	return nil
}

// Folder makes a folder that holds nothing.
func (s *staging) Folder(name string) error {
	s.folder = append(s.folder, name)
	return s.explain(s.root.MkdirAll(name, 0o777))
}

// File begins a file.
func (s *staging) File(e container.Entry) (io.WriteCloser, error) {
	if err := s.root.MkdirAll(path.Dir(e.Path), 0o777); err != nil {
		return nil, s.explain(err)
	}
	f, err := s.root.OpenFile(e.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(e.Mode)) //nolint:gosec // 0644 or 0755
	if err != nil {
		return nil, s.explain(err)
	}
	s.names = append(s.names, e.Path)
	if err := reserveRoom(f, int64(e.Size)); err != nil { //nolint:gosec // bounded by the format
		return nil, s.explain(errors.Join(&fs.PathError{Op: "write", Path: e.Path, Err: err}, f.Close()))
	}
	return &stagedFile{f, s, 0}, nil
}

// worthWriteback is from how many bytes on their storing is begun at once. What
// small files need is better done together, at the end.
const worthWriteback = 256 << 10

// stagedFile names the target in its errors.
type stagedFile struct {
	file    *os.File
	s       *staging
	written int64
}

func (f *stagedFile) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	if n >= worthWriteback {
		startWriteback(f.file, f.written, int64(n))
	}
	f.written += int64(n)
	return n, f.s.explain(err)
}

func (f *stagedFile) Close() error {
	return f.s.explain(errors.Join(syncFile(f.file), f.file.Close()))
}

// explain names the target in place of the staging folder, which will be gone.
func (s *staging) explain(err error) error {
	if e := new(fs.PathError); errors.As(err, &e) {
		return &fs.PathError{Op: "extract", Path: filepath.Join(s.dir, filepath.Base(e.Path)), Err: e.Err}
	}
	return err
}

// publish gives the files their names.
func (s *staging) publish() error {
	if err := syncFolderTree(s.temp); err != nil {
		return s.explain(err)
	}
	if s.fresh {
		// Windows renames no folder that is open.
		if err := errors.Join(s.root.Close(), sysfile.Rename(s.temp, s.dir)); err != nil {
			return err
		}
		s.temp = ""
		return nil
	}
	target, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer target.Close() //nolint:errcheck // everything was synced before
	for _, name := range s.folder {
		if err := target.MkdirAll(name, 0o777); err != nil {
			return err
		}
	}
	for _, name := range s.names {
		if err := s.place(target, name); err != nil {
			return err
		}
	}
	return syncFolderTree(s.dir)
}

// place moves a file from the staging folder, which lies in the target. A link
// can only be made where nothing is, so that a file which appeared meanwhile is
// not replaced.
func (s *staging) place(target *os.Root, name string) error {
	if err := target.MkdirAll(path.Dir(name), 0o777); err != nil {
		return err
	}
	staged := filepath.Join(filepath.Base(s.temp), name)
	if s.force {
		return target.Rename(staged, name)
	}
	err := target.Link(staged, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// A file system without hard links.
	if _, err := target.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s appeared meanwhile", filepath.Join(s.dir, name)))
	}
	return target.Rename(staged, name)
}

// end removes the staging folder with what is still in it.
func (s *staging) end() error {
	s.root.Close() //nolint:errcheck,gosec // a second time after publish does no harm
	if s.temp == "" {
		return nil
	}
	return sysfile.RemoveAll(s.temp)
}
