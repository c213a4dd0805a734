// SPDX-License-Identifier: Apache-2.0

package scan

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// place is a file or folder under the name that people see, and the one without
// symbolic links by which it is opened and the table of mounts knows it.
type place struct{ shown, real string }

func (p place) child(name string) place {
	return place{filepath.Join(p.shown, name), filepath.Join(p.real, name)}
}

type walker struct {
	ctx      context.Context //nolint:containedctx // of one walk, as the walker is
	table    mountTable
	progress func(int64)
	jobs     chan place
	roots    []string // without symbolic links
	folders  map[fileID]bool

	mu     sync.Mutex // guards what follows
	result Result
	mounts map[string]bool
	files  map[fileID]int // in result.Files
}

func newWalker(ctx context.Context, table mountTable, progress func(int64)) *walker {
	return &walker{
		ctx: ctx, table: table, progress: progress, jobs: make(chan place, waiting),
		folders: make(map[fileID]bool), files: make(map[fileID]int), mounts: make(map[string]bool),
	}
}

// run walks all paths, in their order, while the readers look at the files.
func (w *walker) run(paths []string) {
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for p := range w.jobs {
				if w.ctx.Err() == nil {
					w.look(p)
				}
			}
		})
	}
	places := make([]place, 0, len(paths))
	for _, p := range paths {
		real, err := resolve(p)
		if err != nil {
			w.problem(p, err)
			continue
		}
		places = append(places, place{p, real})
		w.roots = append(w.roots, real)
	}
	for _, p := range places {
		w.walk(p)
	}
	close(w.jobs)
	group.Wait()
}

// walk starts at a path that was given.
func (w *walker) walk(p place) {
	switch m, kind := w.table.covering(p.real); kind {
	case mountPackage:
		w.mounted(m)
		return
	case mountPseudo:
		w.problem(p.shown, ErrPseudo)
		return
	}
	info, err := os.Stat(p.real)
	switch {
	case err != nil:
		w.problem(p.shown, err)
	case info.Mode().IsRegular():
		w.send(p)
	case info.IsDir():
		w.tree(p)
	default:
		w.problem(p.shown, errKind)
	}
}

// tree walks a folder and those below it.
func (w *walker) tree(top place) {
	for open := []place{top}; len(open) > 0 && w.ctx.Err() == nil; {
		p := open[len(open)-1]
		open = open[:len(open)-1]
		below, err := w.folder(p)
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			w.problem(p.shown, err)
		}
		open = append(open, below...)
	}
}

// folder sends the files of a folder to the readers and returns the folders in
// it.
func (w *walker) folder(p place) (below []place, err error) {
	f, err := os.Open(p.real)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	id := identify(info, p.real)
	if w.folders[id] {
		return nil, nil
	}
	w.folders[id] = true
	for {
		entries, err := f.ReadDir(entriesOne)
		for _, e := range entries {
			child := p.child(e.Name())
			m, kind := w.table.at(child.real) // files can be mounted too
			switch {
			case kind == mountPackage:
				w.mounted(m)
			case kind == mountPseudo:
			case e.Type() == iofs.ModeDir:
				below = append(below, child)
			case e.Type() == iofs.ModeSymlink:
				w.link(child)
			case e.Type().IsRegular():
				w.send(child)
			}
		}
		if err == nil {
			err = w.ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return below, nil
		}
		if err != nil {
			return below, err
		}
	}
}

func (w *walker) send(p place) {
	select {
	case w.jobs <- p:
	case <-w.ctx.Done():
	}
}

// mounted notes a mount once.
func (w *walker) mounted(m Mount) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.mounts[m.Dir] {
		w.mounts[m.Dir] = true
		w.result.Mounts = append(w.result.Mounts, m)
	}
}

// link counts a symbolic link that leads out of what is walked, by its words
// alone: what is behind it may be another machine that does not answer.
func (w *walker) link(p place) {
	target, err := os.Readlink(p.real)
	if err != nil {
		return // it was removed meanwhile
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(p.real), target)
	}
	if !slices.ContainsFunc(w.roots, func(root string) bool { return within(root, filepath.Clean(target)) }) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.result.LinksOut++
	}
}

// within reports whether a clean absolute path is a folder or lies below it.
func within(folder, path string) bool {
	rest, ok := strings.CutPrefix(path, folder)
	return ok && (rest == "" || os.IsPathSeparator(rest[0]) || os.IsPathSeparator(folder[len(folder)-1]))
}
