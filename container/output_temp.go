// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// tempFile is the outputFile in a file system.
type tempFile struct {
	*os.File
	temp string // its temporary name; "" while, or since, it has none
}

// createNamedTemp is createTemp for systems without unnamed files.
func createNamedTemp(target string) (outputFile, error) {
	dir, base := filepath.Split(target)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return nil, err
	}
	// CreateTemp makes files for the owner alone; a package is no secret.
	if err := f.Chmod(0o644); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return &tempFile{f, f.Name()}, nil
}

func (f *tempFile) remove() {
	if f.temp != "" {
		os.Remove(f.temp) //nolint:errcheck,gosec // the error that led here is the one to report
		f.temp = ""
	}
}

// moveTo renames the file from its temporary name.
func (f *tempFile) moveTo(target string) error {
	if err := sysfile.Rename(f.temp, target); err != nil {
		return err
	}
	f.temp = ""
	return nil
}
