// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// output is a file that appears under its name whole, synced, or not at all.
type output struct {
	target string
	file   outputFile
}

// outputFile is what an output is written through: a file without a name, or
// with a temporary one, in the target's folder.
type outputFile interface {
	io.WriterAt
	Sync() error
	// Close closes the file; a rename may have done so.
	Close() error
	// reserve gives the file its size, and room where the file system can promise it.
	reserve(size int64) error
	// startWriteback asks the system to begin to store a part.
	startWriteback(off, n int64)
	// link gives the file a temporary name where it has none.
	link(target string) error
	// rename gives the file its name, in place of an older file of that name.
	rename(target string) error
	// syncFolder makes the name durable.
	syncFolder(target string) error
	// remove takes the temporary name away, where it has one.
	remove()
}

// createOutput makes an outputFile for the target, with room for size bytes.
func createOutput(target string, size int64, create func(target string) (outputFile, error)) (*output, error) {
	if err := checkReplaceable(target); err != nil {
		return nil, err
	}
	f, err := create(target)
	if err != nil {
		return nil, err
	}
	o := &output{target, f}
	if err := f.reserve(size); err != nil {
		o.end()
		return nil, o.explain(err)
	}
	return o, nil
}

// checkReplaceable refuses to replace anything but an older package: a slip in a
// command line must not cost a model.
func checkReplaceable(target string) error {
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s exists and is not a regular file: choose another name for the package", target)
	case info.Size() == 0:
		return nil
	}
	f, err := os.Open(target)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(f, head); err != nil || [8]byte(head) != magic {
		return fmt.Errorf("%s exists and is no package, so it is not replaced: choose another name for the package, or remove it", target)
	}
	return nil
}

func (o *output) writeAt(p []byte, off int64) error {
	if _, err := o.file.WriteAt(p, off); err != nil {
		return o.explain(err)
	}
	return nil
}

// stream writes a part of the payload and has the system begin to store it, so
// that the sync at the end finds little left to do.
func (o *output) stream(p []byte, off int64) error {
	err := o.writeAt(p, off)
	if err == nil {
		o.file.startWriteback(off, int64(len(p)))
	}
	return err
}

// explain names the target in place of a temporary file that is gone by then.
func (o *output) explain(err error) error {
	if e := new(fs.PathError); errors.As(err, &e) {
		err = e.Err
	}
	return fmt.Errorf("writing %s: %w", o.target, err)
}

// commit syncs the file and gives it its name. Only the last step may fail after
// the file has it: then it is whole, but a power failure may take it away.
func (o *output) commit() error {
	for _, step := range []func() error{
		o.file.Sync,
		func() error { return o.file.link(o.target) },
		func() error { return o.file.rename(o.target) },
		func() error { return o.file.syncFolder(o.target) },
	} {
		if err := step(); err != nil {
			return o.explain(err)
		}
	}
	return nil
}

// end closes the file and removes what was not committed.
func (o *output) end() {
	o.file.Close() //nolint:errcheck,gosec // it was synced, or it is thrown away
	o.file.remove()
}
