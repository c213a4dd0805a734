// SPDX-License-Identifier: Apache-2.0

//go:build linux

package scan

import (
	"context"
	"errors"
	iofs "io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes files below a fresh folder, of which it returns the path without
// symbolic links.
func tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	check(t, err)
	for name, data := range files {
		name = filepath.Join(dir, name)
		check(t, os.MkdirAll(filepath.Dir(name), 0o755))
		check(t, os.WriteFile(name, data, 0o644))
	}
	return dir
}

func walk(t *testing.T, paths ...string) *Result {
	t.Helper()
	r, err := Walk(t.Context(), paths, nil, nil)
	check(t, err)
	return r
}

// wantFiles compares what was found with paths below dir.
func wantFiles(t *testing.T, r *Result, dir string, want ...string) {
	t.Helper()
	var got []string
	for _, f := range r.Files {
		rel, err := filepath.Rel(dir, f.Path)
		check(t, err)
		got = append(got, rel)
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestWalk(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"a.txt": gguf(3), "b/c": safetensors(tensorHeader, 24), "b/d/e.gguf": []byte("no weights"), "b/d/f": sample(t, "save.pt"), ".hidden/g": onnx(), "empty": nil,
	})
	var told []int64
	r, err := Walk(t.Context(), []string{dir}, nil, func(n int64) { told = append(told, n) })
	check(t, err)
	wantFiles(t, r, dir, ".hidden/g", "a.txt", "b/c", "b/d/f")
	if f := r.Files[1]; f.Kind != GGUF || f.Size != int64(len(gguf(3))) {
		t.Errorf("%+v", f)
	}
	if r.Looked != 6 || r.LinksOut != 0 || len(r.Problems)+len(r.Mounts) != 0 || !slices.Equal(told, []int64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("%+v, told %v", r, told)
	}
}

func TestWalkShowsPathsAsGiven(t *testing.T) {
	dir := tree(t, map[string][]byte{"sub/x/m": gguf(3), "sub/n": gguf(3)})
	t.Chdir(filepath.Join(dir, "sub"))
	for path, want := range map[string]string{".": "n", "../sub/": "../sub/n", "n": "n", "x": "x/m"} {
		if r := walk(t, path); r.Files[0].Path != want {
			t.Errorf("%s: %s, want %s", path, r.Files[0].Path, want)
		}
	}
}

// TestWalkCountsOnce has a file under several names, and paths that overlap.
func TestWalkCountsOnce(t *testing.T) {
	dir := tree(t, map[string][]byte{"z/first": gguf(3), "other": gguf(3)})
	check(t, os.Mkdir(filepath.Join(dir, "a"), 0o755))
	check(t, os.Link(filepath.Join(dir, "z/first"), filepath.Join(dir, "a/second")))
	for range 10 {
		r := walk(t, dir)
		wantFiles(t, r, dir, "a/second", "other")
	}
	r := walk(t, filepath.Join(dir, "other"), dir, dir+"/a", dir, filepath.Join(dir, "other"))
	wantFiles(t, r, dir, "a/second", "other")
}

// TestWalkOfHub has a Hugging Face cache: a snapshot of links to blobs.
func TestWalkOfHub(t *testing.T) {
	dir := tree(t, map[string][]byte{"hub/blobs/0123": safetensors(tensorHeader, 24), "hub/refs/main": []byte("abc")})
	snapshot := filepath.Join(dir, "hub/snapshots/abc")
	check(t, os.MkdirAll(snapshot, 0o755))
	check(t, os.Symlink("../../blobs/0123", filepath.Join(snapshot, "model.safetensors")))
	check(t, os.Symlink("..", filepath.Join(snapshot, "up")))
	r := walk(t, dir)
	wantFiles(t, r, dir, "hub/blobs/0123")
	if r.LinksOut != 0 || r.Looked != 2 {
		t.Errorf("%+v", r)
	}
	// Alone it has links only, and that is said.
	if r = walk(t, snapshot); len(r.Files) != 0 || r.LinksOut != 2 {
		t.Errorf("%+v", r)
	}
	// A link that is given is followed, and neighbours are not taken for parents.
	if r = walk(t, filepath.Join(snapshot, "model.safetensors")); len(r.Files) != 1 {
		t.Errorf("%+v", r)
	}
	check(t, os.Symlink(filepath.Join(dir, "hub2"), filepath.Join(dir, "hub/neighbour")))
	if r = walk(t, filepath.Join(dir, "hub")); r.LinksOut != 1 || len(r.Files) != 1 {
		t.Errorf("%+v", r)
	}
}

// TestWalkOpensNoSpecialFiles has a pipe that nobody writes to, and a socket.
func TestWalkOpensNoSpecialFiles(t *testing.T) {
	dir := tree(t, map[string][]byte{"m": gguf(3)})
	pipe := filepath.Join(dir, "pipe")
	check(t, unix.Mkfifo(pipe, 0o644))
	check(t, unix.Mknod(filepath.Join(dir, "socket"), unix.S_IFSOCK|0o644, 0))
	if r := walk(t, dir); len(r.Files) != 1 || r.Looked != 1 || len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
	if r := walk(t, pipe, "/dev/null"); len(r.Problems) != 2 || !errors.Is(r.Problems[0].Err, errKind) {
		t.Errorf("%+v", r)
	}
	// A file that has become a pipe since the folder was listed.
	if f, err := detectFile(place{pipe, pipe}); err != nil || f.Kind != None {
		t.Errorf("%+v, %v", f, err)
	}
	link := filepath.Join(dir, "link")
	check(t, os.Symlink("m", link))
	if _, err := detectFile(place{link, link}); !errors.Is(err, unix.ELOOP) {
		t.Errorf("a link was followed: %v", err)
	}
}

func TestWalkOfPseudoFileSystems(t *testing.T) {
	r := walk(t, "/proc", "/proc/self/task", "/sys/kernel")
	if r.Looked != 0 || len(r.Problems) != 3 || !errors.Is(r.Problems[0].Err, ErrPseudo) {
		t.Errorf("%+v", r)
	}
}

func TestWalkGoesOnAfterProblems(t *testing.T) {
	dir := tree(t, map[string][]byte{"m": gguf(3)})
	missing := filepath.Join(dir, "missing")
	r := walk(t, missing, dir, filepath.Join(dir, "m/below"))
	wantFiles(t, r, dir, "m")
	if len(r.Problems) != 2 || !errors.Is(r.Problems[1].Err, iofs.ErrNotExist) || r.Problems[1].Path != missing {
		t.Errorf("%+v", r.Problems)
	}
}

// TestWalkOfMounts gives the walk a table of its own: a package is mounted in a
// folder, and on a file.
func TestWalkOfMounts(t *testing.T) {
	dir := tree(t, map[string][]byte{"mnt/m": gguf(3), "mnt/sub/n": gguf(3), "file": gguf(3), "proc/x": gguf(3), "disk/d": gguf(3)})
	table := mountTable{
		"/":               {mountFiles, "root"},
		dir + "/mnt":      {mountPackage, "/m.tgsp"},
		dir + "/file":     {mountPackage, "/f.tgsp"},
		dir + "/proc":     {mountPseudo, "proc"},
		dir + "/disk":     {mountFiles, "/dev/sdb"},
		dir + "/mnt/hole": {mountFiles, "/dev/sdc"},
	}
	for _, c := range []struct {
		path   string
		files  []string
		mounts []Mount
	}{
		{"", []string{"disk/d"}, []Mount{{dir + "/file", "/f.tgsp"}, {dir + "/mnt", "/m.tgsp"}}},
		{"mnt", nil, []Mount{{dir + "/mnt", "/m.tgsp"}}},
		{"mnt/sub", nil, []Mount{{dir + "/mnt", "/m.tgsp"}}},
		{"file", nil, []Mount{{dir + "/file", "/f.tgsp"}}},
		{"proc/x", nil, nil},
	} {
		w := newWalker(t.Context(), table, nil)
		w.run([]string{filepath.Join(dir, c.path), filepath.Join(dir, c.path)})
		r := w.sorted()
		wantFiles(t, r, dir, c.files...)
		if !slices.Equal(r.Mounts, c.mounts) {
			t.Errorf("%s: %+v, want %+v", c.path, r.Mounts, c.mounts)
		}
	}
	size, err := MountSize(t.Context(), filepath.Join(dir, "mnt"))
	if want := int64(2 * len(gguf(3))); err != nil || size != want {
		t.Errorf("%d bytes, want %d: %v", size, want, err)
	}
	if _, err := MountSize(t.Context(), filepath.Join(dir, "missing")); !errors.Is(err, iofs.ErrNotExist) {
		t.Error(err)
	}
}

// TestWalkInterrupted ends while a reader is held up.
func TestWalkInterrupted(t *testing.T) {
	files := make(map[string][]byte)
	for i := range 2000 {
		files[strconv.Itoa(i)] = nil
	}
	dir := tree(t, files)
	ctx, cancel := context.WithCancel(t.Context())
	released := make(chan struct{})
	held := make(chan struct{})
	go func() {
		<-held
		cancel()
	}()
	first := true
	_, err := Walk(ctx, []string{dir}, nil, func(int64) {
		if first {
			first = false
			close(held)
			<-released
		}
	})
	close(released)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestMountsThatNoTableShows gives a mount that only its process tells of.
func TestMountsThatNoTableShows(t *testing.T) {
	dir := t.TempDir()
	mounted := filepath.Join(dir, "mounted")
	if err := os.Mkdir(mounted, 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := Walk(t.Context(), []string{dir}, []Mount{{mounted, "model.tgsp"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Mount{{mounted, "model.tgsp"}}; !slices.Equal(r.Mounts, want) {
		t.Errorf("mounts %v, want %v", r.Mounts, want)
	}
}
