// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Scan lists what a model consists of: all regular files of a folder, or one
// file. Links to files are followed where the target lies inside the folder or,
// for a snapshot in a Hugging Face cache, among the cache's blobs. Anything else
// that is no regular file is a *SourceError, and so are names that cannot stand
// in a package.
func Scan(model string, o SourceOptions) (*Source, error) {
	root, err := filepath.Abs(model)
	if err == nil {
		root, err = filepath.EvalSymlinks(root) // that the model itself is a link is the user's wish
	}
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	s := &scan{root: root, opts: o, result: &Source{}}
	for _, name := range o.Exclude {
		if info, err := os.Stat(name); err == nil {
			s.exclude = append(s.exclude, info)
		}
	}
	switch {
	case info.IsDir():
		s.allowed = append(s.allowed, root)
		if blobs := hubBlobs(root); blobs != "" {
			s.allowed = append(s.allowed, blobs)
		}
		_, err = s.folder(root, "", []fs.FileInfo{info})
	case info.Mode().IsRegular() && s.excluded(info):
		err = &SourceError{Path: model, Reason: "the package would take the place of the model", Hint: "choose another name for the package"}
	case info.Mode().IsRegular():
		s.add(root, filepath.Base(model), info)
	default:
		err = &SourceError{Path: model, Reason: "it is neither a folder nor a regular file"}
	}
	if err != nil {
		return nil, err
	}
	return s.finish(model)
}

type scan struct {
	root    string
	opts    SourceOptions
	allowed []string // folders that links may lead into
	exclude []fs.FileInfo
	result  *Source
}

// hubBlobs returns the folder of blobs that a snapshot of a Hugging Face cache,
// …/snapshots/REVISION, links to, or "".
func hubBlobs(root string) string {
	snapshots := filepath.Dir(root)
	if filepath.Base(snapshots) != "snapshots" {
		return ""
	}
	blobs, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(snapshots), "blobs"))
	if err != nil {
		return ""
	}
	return blobs
}

// folder lists one folder; chain holds it and those above it, so that links
// cannot lead in circles. It reports whether the folder holds anything.
func (s *scan) folder(name, inside string, chain []fs.FileInfo) (bool, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return false, err
	}
	holds := false
	for _, e := range entries {
		onDisk, p := filepath.Join(name, e.Name()), path.Join(inside, e.Name())
		if why := s.leftOut(p, e.Name()); why != "" {
			s.result.Left = append(s.result.Left, LeftOut{p, why})
			continue
		}
		kept, err := s.entry(onDisk, p, chain)
		if err != nil {
			return false, err
		}
		holds = holds || kept
	}
	if !holds && inside != "" {
		s.result.Folders = append(s.result.Folders, inside)
	}
	return holds || inside != "", nil
}

func (s *scan) entry(onDisk, p string, chain []fs.FileInfo) (bool, error) {
	info, err := os.Lstat(onDisk)
	if err != nil {
		return false, err
	}
	isLink := info.Mode()&fs.ModeSymlink != 0
	if isLink {
		if info, err = s.target(onDisk); err != nil {
			return false, err
		}
	}
	switch {
	case info.IsDir():
		for _, above := range chain {
			if os.SameFile(above, info) {
				return false, &SourceError{Path: onDisk, Reason: "the link leads back to a folder that holds it"}
			}
		}
		return s.folder(onDisk, p, append(chain[:len(chain):len(chain)], info))
	case !info.Mode().IsRegular():
		return false, &SourceError{Path: onDisk, Reason: "it is " + kindOf(info.Mode()) + ", and only regular files can be packed", Hint: "move it out of the model's folder"}
	}
	if s.excluded(info) {
		s.result.Left = append(s.result.Left, LeftOut{p, "the package that is made"})
		return false, nil
	}
	s.add(onDisk, p, info)
	return true, nil
}

func (s *scan) excluded(info fs.FileInfo) bool {
	return slices.ContainsFunc(s.exclude, func(e fs.FileInfo) bool { return os.SameFile(e, info) })
}

// target decides whether a link may be followed and describes where it leads.
func (s *scan) target(link string) (fs.FileInfo, error) {
	target, err := filepath.EvalSymlinks(link)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &SourceError{Path: link, Reason: "the link leads to nothing", Hint: "remove it, or download what it should lead to"}
		}
		return nil, &SourceError{Path: link, Reason: "the link cannot be followed", Err: err}
	}
	info, err := os.Stat(target)
	if err != nil || s.opts.FollowSymlinks {
		return info, err
	}
	const hint = "allow it with --follow-symlinks if it belongs to the model"
	if info.IsDir() {
		return nil, &SourceError{Path: link, Reason: "it is a link to a folder", Hint: hint}
	}
	for _, dir := range s.allowed {
		if rel, err := filepath.Rel(dir, target); err == nil && filepath.IsLocal(rel) {
			return info, nil
		}
	}
	return nil, &SourceError{Path: link, Reason: "the link leads out of the model, to " + target, Hint: hint}
}

func (s *scan) add(onDisk, p string, info fs.FileInfo) {
	// On Windows Go asks which file it is when that is compared for the first time,
	// which would be another file's turn if it was replaced until then.
	os.SameFile(info, info)
	s.result.Files = append(s.result.Files, SourceFile{
		Path: p, Name: onDisk, Size: info.Size(), Executable: info.Mode()&0o111 != 0, info: info,
	})
}

// finish sorts what was found and checks all names.
func (s *scan) finish(model string) (*Source, error) {
	r := s.result
	if len(r.Files) == 0 {
		return nil, &SourceError{Path: model, Reason: "it holds no file to pack"}
	}
	slices.SortFunc(r.Files, func(a, b SourceFile) int { return strings.Compare(a.Path, b.Path) })
	slices.Sort(r.Folders)
	slices.SortFunc(r.Left, func(a, b LeftOut) int { return strings.Compare(a.Path, b.Path) })
	files := make([]string, len(r.Files))
	for i := range r.Files {
		files[i] = r.Files[i].Path
	}
	if err := CheckPaths(files, r.Folders); err != nil {
		return nil, s.badName(err)
	}
	return r, nil
}

// badName says where on disk the name is that cannot stand in a package.
func (s *scan) badName(err error) error {
	onDisk := s.root
	if e := new(NameError); errors.As(err, &e) && s.result.Files[0].Name != s.root {
		onDisk = filepath.Join(s.root, filepath.FromSlash(e.Path))
	}
	return &SourceError{Path: onDisk, Reason: "it cannot stand in a package", Hint: "rename it", Err: err}
}

// leftOut says why something is not packed, or "".
func (s *scan) leftOut(p, name string) string {
	if why := notOfModel(p, name); why != "" || s.opts.Skip == nil {
		return why
	}
	return s.opts.Skip(p)
}

// notOfModel tells what is no part of a model: version control, download caches, and
// what operating systems leave in folders.
func notOfModel(p, name string) string {
	if p == ".cache/huggingface" || strings.HasSuffix(p, "/.cache/huggingface") {
		return "a download cache"
	}
	switch name {
	case ".git":
		return "version control"
	case ".DS_Store", ".Spotlight-V100", ".Trashes", ".fseventsd", "__MACOSX",
		"Thumbs.db", "desktop.ini", "$RECYCLE.BIN", "System Volume Information", "lost+found":
		return "left by an operating system"
	}
	for _, prefix := range []string{"._", ".nfs", ".fuse_hidden"} {
		if strings.HasPrefix(name, prefix) {
			return "left by a file system"
		}
	}
	return ""
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
