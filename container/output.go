// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// output is a file that appears under its name whole, synced, or not at all.
type output struct {
	target string
	file   *os.File
	temp   string // name of the temporary file; "" while it has none
	done   bool
}

// createOutput makes an unnamed or temporary file beside the target, with room
// for size bytes where the file system can promise it.
func createOutput(target string, size int64) (*output, error) {
	if err := checkReplaceable(target); err != nil {
		return nil, err
	}
	f, temp, err := createTemp(target)
	if err != nil {
		return nil, err
	}
	o := &output{target: target, file: f, temp: temp}
	if err := reserve(f, size); err != nil {
		o.discard()
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

// createNamedTemp is createTemp for systems without unnamed files.
func createNamedTemp(target string) (*os.File, string, error) {
	dir, base := filepath.Split(target)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return nil, "", err
	}
	// CreateTemp makes files for the owner alone; a package is no secret.
	if err := f.Chmod(0o644); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, "", errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return f, f.Name(), nil
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
		startWriteback(o.file, off, int64(len(p)))
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

// commit syncs the file and gives it its name.
func (o *output) commit() error {
	if err := o.file.Sync(); err != nil {
		return o.explain(err)
	}
	if err := publish(o.file, o.temp, o.target); err != nil {
		return o.explain(err)
	}
	o.done = true
	if err := o.file.Close(); err != nil {
		return o.explain(err)
	}
	return syncFolder(filepath.Dir(o.target))
}

// discard removes what was not committed.
func (o *output) discard() {
	if o.done {
		return
	}
	o.file.Close() //nolint:errcheck,gosec // it is thrown away
	if o.temp != "" {
		os.Remove(o.temp) //nolint:errcheck,gosec // the error that led here is the one to report
	}
	o.done = true
}
