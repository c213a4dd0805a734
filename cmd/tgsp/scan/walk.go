// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

const (
	readers    = 8   // files looked at at once: they wait for storage, not for a processor
	waiting    = 256 // files found that wait for that
	entriesOne = 256 // entries of a folder read at once
)

// File is a weights file or a package, found by its contents.
type File struct {
	Path string // below the path that was given
	Size int64
	Kind Kind

	id fileID
}

// Mount is a folder in which a package is mounted. It was not entered.
type Mount struct {
	Dir    string // as the table of mounts has it
	Source string // the package behind it
}

// Problem is a file or folder that could not be looked at.
type Problem struct {
	Path string
	Err  error
}

// Result is what a walk has found, each list by path.
type Result struct {
	Files    []File
	Mounts   []Mount
	Problems []Problem
	Looked   int // regular files looked at
	LinksOut int // symbolic links to places outside of what was walked
}

// ErrPseudo means that a path lies in a file system that shows the system's
// state, such as /proc, and keeps no files.
var ErrPseudo = errors.New("it lies in a file system that keeps no files")

// errKind is for paths that are neither.
var errKind = errors.New("it is neither a file nor a folder")

// Walk looks for weights in files and below folders. It counts each file once,
// whatever its names and whichever paths lead to it, follows no symbolic links
// but those that are given as paths, opens nothing but regular files and
// folders, and enters neither mounts of packages nor pseudo file systems. What
// cannot be read is a Problem, and the rest is done. mounts are those of packages,
// where the system has no table that shows them.
//
// Progress, which may be nil, is told how many files have been looked at, from
// one goroutine at a time. The error is that of the context, or says that the
// table of mounts cannot be read.
func Walk(ctx context.Context, paths []string, mounts []Mount, progress func(files int64)) (*Result, error) {
	table, err := readMounts()
	if err != nil {
		return nil, err
	}
	table.add(mounts)
	w := newWalker(ctx, table, progress)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(paths)
	}()
	// Whoever interrupts does not wait for storage that does not answer.
	select {
	case <-done:
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.sorted(), nil
}

// sorted returns what was found when all is done.
func (w *walker) sorted() *Result {
	r := &w.result
	slices.SortFunc(r.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(r.Mounts, func(a, b Mount) int { return cmp.Compare(a.Dir, b.Dir) })
	slices.SortFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
	return r
}
