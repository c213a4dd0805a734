// SPDX-License-Identifier: Apache-2.0

package container

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
)

// memorySink keeps what Verify hands out, and fails where it is told to.
type memorySink struct {
	folders []string
	files   map[string][]byte
	closed  int
	fail    string // "folder", "file", "write" or "close"
}

var errSink = errors.New("no room left")

func (s *memorySink) failing(what string) error {
	if s.fail == what {
		return errSink
	}
	return nil
}

func (s *memorySink) Folder(path string) error {
	s.folders = append(s.folders, path)
	return s.failing("folder")
}

func (s *memorySink) File(e Entry) (io.WriteCloser, error) {
	if s.files == nil {
		s.files = map[string][]byte{}
	}
	s.files[e.Path] = []byte{}
	return &memoryFile{s, e.Path}, s.failing("file")
}

type memoryFile struct {
	sink *memorySink
	path string
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.sink.files[f.path] = append(f.sink.files[f.path], p...)
	return len(p), f.sink.failing("write")
}

func (f *memoryFile) Close() error {
	f.sink.closed++
	return f.sink.failing("close")
}

// TestContentsAreHandedOut compares what Verify hands out with what was packed;
// an error of who takes it ends the verification.
func TestContentsAreHandedOut(t *testing.T) {
	files := randomFiles(map[string]int{"a": 100, "empty": 0, "b": 3 * leafPlaintext, "large": alignFrom + 5})
	x := pack(t, files, nil)
	withFolder(t, x)
	verify := func(s *memorySink, progress func(done, total int64)) error {
		f, err := OpenFile(x.name)
		check(t, err)
		defer f.Close() // only read
		_, err = f.Verify(t.Context(), VerifyOptions{Trust: x.trust(), Identities: x.identities(), Contents: s, Progress: progress})
		return err
	}
	s, last, end := &memorySink{}, int64(0), int64(0)
	check(t, verify(s, func(done, total int64) {
		if done <= last || done > total {
			t.Errorf("progress of %d after %d, of %d", done, last, total)
		}
		last, end = done, total
	}))
	if last != end || end == 0 {
		t.Errorf("the last progress is %d of %d", last, end)
	}
	if !slices.Equal(s.folders, []string{"nothing"}) || len(s.files) != len(files) || s.closed != len(files) {
		t.Errorf("folders %v, %d files of which %d were closed", s.folders, len(s.files), s.closed)
	}
	for path, want := range files {
		if !bytes.Equal(s.files[path], want) {
			t.Errorf("%s is not what was packed", path)
		}
	}
	for _, what := range []string{"folder", "file", "write", "close"} {
		s := &memorySink{fail: what}
		if err := verify(s, nil); !errors.Is(err, errSink) {
			t.Errorf("a failing %s: %v", what, err)
		}
		// Whoever was opened is closed, but for one that could not be opened.
		if opened := len(s.files); what != "file" && s.closed != opened {
			t.Errorf("a failing %s: %d files opened, %d closed", what, opened, s.closed)
		}
	}
}

// withFolder adds a folder that holds nothing to a package's index.
func withFolder(t *testing.T, x *fixture) {
	t.Helper()
	dir := writeModel(t, x.files)
	check(t, mkdir(dir, "nothing"))
	src, err := Scan(dir, SourceOptions{})
	check(t, err)
	_, err = Pack(t.Context(), x.name, src, PackOptions{
		PackageID: "acme/model", Version: "1.2.3", CreatedAt: created, Author: x.author, Recipients: x.recipients(),
		Progress: func(done, total int64) {
			if done > total {
				t.Errorf("progress of %d, of %d", done, total)
			}
		},
	})
	check(t, err)
}
