// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// SourceOptions says how a model is looked at before it is packed.
type SourceOptions struct {
	// FollowSymlinks allows symbolic links that leave the model, and links to
	// folders.
	FollowSymlinks bool
	// Exclude names files that are left out wherever they lie, such as the
	// package that is being written.
	Exclude []string
	// Skip says why a file or folder of the model is left out, or "". It is asked
	// by the path in the package and may be nil. What lies in a folder that is
	// left out is not asked for.
	Skip func(path string) (why string)
}

// Source is the list of what is to be packed.
type Source struct {
	Files   []SourceFile // by path
	Folders []string     // those that hold nothing, by path
	Left    []LeftOut    // by path
}

// LeftOut is a file or folder that was left out on purpose.
type LeftOut struct {
	Path string // in the model, with / between names
	Why  string
}

// SourceFile is one file to be packed, as it was when it was found.
type SourceFile struct {
	Path       string // in the package
	Name       string // on disk
	Size       int64  // bytes
	Executable bool

	info fs.FileInfo
}

// A SourceError says what in the model cannot be packed.
type SourceError struct {
	Path   string // on disk
	Reason string
	Hint   string // the next step, or ""
	Err    error  // the cause, or nil
}

func (e *SourceError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Path, e.Reason, e.Err)
	}
	return e.Path + ": " + e.Reason
}

func (e *SourceError) Unwrap() error { return e.Err }

// openSource is a source file while it is read. It gives exactly as many bytes
// as the file had when it was found.
type openSource struct {
	io.Reader
	io.Closer
	file   *os.File
	source *SourceFile
}

// Open opens the file for reading and makes sure that it is the one that was found.
func (f *SourceFile) Open() (*openSource, error) {
	file, err := os.Open(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, f.changed("it vanished while the model was packed")
	}
	if err != nil {
		return nil, err
	}
	uncached := newUncachedFile(file)
	o := &openSource{io.LimitReader(uncached, f.Size), uncached, file, f}
	if err := o.CheckUnchanged(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return o, nil
}

func (f *SourceFile) changed(reason string) error {
	return &SourceError{Path: f.Name, Reason: reason, Hint: "wait until nothing writes to the model any more, then pack it again"}
}

// Read reports a file that ends early as one that was changed.
func (o *openSource) Read(p []byte) (int, error) {
	n, err := o.Reader.Read(p)
	if errors.Is(err, io.EOF) && n == 0 {
		return 0, o.source.changed("it became shorter while it was packed")
	}
	return n, err
}

// CheckUnchanged compares the open file with what was found.
func (o *openSource) CheckUnchanged() error {
	now, err := o.file.Stat()
	if err != nil {
		return err
	}
	was := o.source.info
	if !os.SameFile(now, was) || now.Size() != was.Size() || !now.ModTime().Equal(was.ModTime()) {
		return o.source.changed("it was changed while the model was packed")
	}
	return nil
}
