// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"errors"
	iofs "io/fs"
)

func (w *walker) problem(path string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Problems = append(w.result.Problems, Problem{path, err})
}

// look tells what a file holds and notes it where that is weights.
func (w *walker) look(p place) {
	f, err := detectFile(p)
	if errors.Is(err, iofs.ErrNotExist) {
		return // it was removed meanwhile
	}
	if err != nil {
		w.problem(p.shown, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.result.Looked++
	if w.progress != nil {
		w.progress(int64(w.result.Looked))
	}
	if err != nil || f.Kind == None {
		return
	}
	// Of several names the first one stands, so that each run says the same.
	if i, known := w.files[f.id]; known {
		w.result.Files[i].Path = min(w.result.Files[i].Path, f.Path)
		return
	}
	w.files[f.id] = len(w.result.Files)
	w.result.Files = append(w.result.Files, f)
}

// detectFile opens a regular file and looks at it. What has become something
// else since it was listed is left alone: opening it does not wait.
func detectFile(p place) (File, error) {
	f, err := openQuietly(p.real)
	if err != nil {
		return File{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return File{}, err
	}
	kind, err := Detect(f, info.Size())
	return File{Path: p.shown, Size: info.Size(), Kind: kind, id: identify(info, p.real)}, err
}
