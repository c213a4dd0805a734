// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// Everything that touches a mount here is another process: this one serves it.

var when = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func sampleFS() fstest.MapFS {
	big := make([]byte, 3<<20+17)
	for i := range big {
		big[i] = byte(i * 7 >> 5)
	}
	return fstest.MapFS{
		"config.json":       {Data: []byte("{}"), Mode: 0o644, ModTime: when},
		"empty":             {Mode: 0o600, ModTime: when},
		"run.sh":            {Data: []byte("#!/bin/sh\n"), Mode: 0o755, ModTime: when},
		"sub/ünï code.bin":  {Data: big, Mode: 0o644, ModTime: when},
		"sub/deep/leaf":     {Data: []byte("leaf"), Mode: 0o644, ModTime: when},
		"hollow":            {Mode: iofs.ModeDir | 0o755, ModTime: when},
		"sub/deep/no entry": {Mode: iofs.ModeDir | 0o755, ModTime: when},
	}
}

// serve mounts a file system until the test ends.
func serve(t *testing.T, fsys iofs.FS, opts Options) *Server {
	t.Helper()
	s, err := Mount(t.TempDir(), fsys, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := s.Unmount(context.Background()); err != nil && reasonOf(err) != NotMounted {
			t.Error(err)
		}
		s.Wait()
	})
	return s
}

// reasonOf returns the reason of an *Error, or -1.
func reasonOf(err error) Reason {
	if e := new(Error); errors.As(err, &e) {
		return e.Reason
	}
	return -1
}

// shell runs a script in another process.
func shell(t *testing.T, dir, script string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC", "DIR="+dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustShell(t *testing.T, dir, script string) string {
	t.Helper()
	out, err := shell(t, dir, script)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

func TestMountShowsAnyFS(t *testing.T) {
	fsys := sampleFS()
	s := serve(t, fsys, Options{UID: uint32(os.Getuid()), GID: uint32(os.Getgid())})
	got := mustShell(t, s.Dir(), `cd "$DIR" && find . -mindepth 1 -printf '%P %y %m %s %TY-%Tm-%Td\n' | sort`)
	want := `config.json f 444 2 2026-01-02
empty f 400 0 2026-01-02
hollow d 555 0 2026-01-02
run.sh f 555 10 2026-01-02
sub d 555 0 0001-01-01
sub/deep d 555 0 0001-01-01
sub/deep/leaf f 444 4 2026-01-02
sub/deep/no entry d 555 0 2026-01-02
sub/ünï code.bin f 444 3145745 2026-01-02
`
	// Folders that MapFS makes up have no time, which systems show differently.
	undated := func(s string) string { return strings.NewReplacer(" 0001-01-01", "", " 1-01-01", "").Replace(s) }
	if undated(got) != undated(want) {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	if got := mustShell(t, s.Dir(), `ls -aU1 "$DIR/sub/deep"`); got != ".\n..\nleaf\nno entry\n" {
		t.Errorf("the listing is %q", got)
	}
	if got := mustShell(t, s.Dir(), `cd "$DIR/sub" && [ "$(ls -ai | awk '$2=="." {print $1}')" = "$(stat -c %i .)" ] && [ "$(stat -c %i deep/..)" = "$(stat -c %i .)" ] && echo same`); got != "same\n" {
		t.Errorf("%s", got)
	}
	for name, file := range fsys {
		if file.Mode.IsDir() {
			continue
		}
		sum := mustShell(t, s.Dir(), `sha256sum < "$DIR/`+name+`"`)
		if want := fmt.Sprintf("%x", sha256.Sum256(file.Data)); !strings.HasPrefix(sum, want) {
			t.Errorf("%s: %s, want %s", name, sum, want)
		}
	}
	if out := mustShell(t, s.Dir(), `dd if="$DIR/sub/ünï code.bin" bs=1000 skip=3145 count=1 2>/dev/null | wc -c`); strings.TrimSpace(out) != "745" {
		t.Errorf("the end of the file has %s bytes, want 745", out)
	}
}

func TestMountIsReadOnly(t *testing.T) {
	s := serve(t, sampleFS(), Options{})
	for _, script := range []string{
		`echo x > "$DIR/new"`, `echo x >> "$DIR/config.json"`, `rm -f "$DIR/config.json"`, `mkdir "$DIR/d"`,
		`mv "$DIR/config.json" "$DIR/x"`, `chmod 777 "$DIR/config.json"`, `touch "$DIR/config.json"`, `ln -s a "$DIR/l"`,
	} {
		if out, err := shell(t, s.Dir(), script); err == nil || !strings.Contains(out, "Read-only file system") {
			t.Errorf("%s: %v: %s", script, err, out)
		}
	}
}

func TestNoExec(t *testing.T) {
	for noExec, want := range map[bool]string{false: "", true: "Permission denied"} {
		s := serve(t, sampleFS(), Options{NoExec: noExec})
		out, err := shell(t, s.Dir(), `"$DIR/run.sh"`)
		if (err != nil) != noExec || !strings.Contains(out, want) {
			t.Errorf("noexec is %t: %v: %s", noExec, err, out)
		}
	}
}

// brokenFS fails, or lies, where it is read.
type brokenFS struct {
	iofs.FS
	read func(p []byte, off int64) (int, error)
}

type brokenFile struct {
	iofs.File
	read func(p []byte, off int64) (int, error)
}

func (f brokenFS) Open(name string) (iofs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name == "." {
		return file, err
	}
	return brokenFile{file, f.read}, nil
}

func (f brokenFile) ReadAt(p []byte, off int64) (int, error) { return f.read(p, off) }

func TestFailedReads(t *testing.T) {
	for name, read := range map[string]func([]byte, int64) (int, error){
		"error":          func([]byte, int64) (int, error) { return 0, errors.New("bad bytes") },
		"error at front": func(p []byte, _ int64) (int, error) { return len(p) / 2, errors.New("bad bytes") },
		"short":          func(p []byte, _ int64) (int, error) { return len(p) / 2, nil },
		"early end":      func(p []byte, _ int64) (int, error) { return len(p) / 2, io.EOF },
	} {
		var log syncBuffer
		failed := make(chan string, 100)
		s := serve(t, brokenFS{fstest.MapFS{"f": {Data: make([]byte, 10_000)}}, read}, Options{
			Logger:      slog.New(slog.NewTextHandler(&log, nil)),
			OnReadError: func(path string, off int64, err error) { failed <- fmt.Sprint(path, off, err) },
		})
		for range 3 {
			if out, err := shell(t, s.Dir(), `cat "$DIR/f"`); err == nil || !strings.Contains(out, "Input/output error") {
				t.Errorf("%s: %v, %d bytes", name, err, len(out))
			}
		}
		if len(failed) == 0 {
			t.Errorf("%s: nobody was told", name)
		}
		// The error does not say where, so that it is the same for all reads.
		if n := strings.Count(log.String(), "read refused"); n != 1 {
			t.Errorf("%s: logged %d times:\n%s", name, n, log.String())
		}
		if !strings.Contains(log.String(), "file=f offset=0") {
			t.Errorf("%s: the log does not say where:\n%s", name, log.String())
		}
	}
}

// syncBuffer is a buffer that several goroutines write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// sequentialFS has files that cannot be read at offsets.
type sequentialFS struct{ iofs.FS }

type sequentialFile struct{ iofs.File }

func (f sequentialFS) Open(name string) (iofs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name == "." {
		return file, err
	}
	return sequentialFile{file}, nil
}

func TestFilesMustBeReaderAt(t *testing.T) {
	s := serve(t, sequentialFS{fstest.MapFS{"f": {Data: []byte("x")}}}, Options{})
	if out, err := shell(t, s.Dir(), `cat "$DIR/f"`); err == nil || !strings.Contains(out, "Input/output error") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	logged := 0
	for i := range int64(2 * maxFailures) {
		reason := fmt.Sprint("at ", i)
		if f.isNew("f", reason) {
			logged++
		}
		if f.isNew("f", reason) {
			t.Fatal("logged twice")
		}
	}
	if logged != maxFailures {
		t.Errorf("logged %d times", logged)
	}
}

func TestBadMountpoints(t *testing.T) {
	dir := t.TempDir()
	mounted := serve(t, sampleFS(), Options{FSName: "/some where/a,b\\c.tgsp"})
	file, full := filepath.Join(dir, "file"), filepath.Join(dir, "full")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Mkdir(full, 0o755), os.WriteFile(filepath.Join(full, "x"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir    string
		source string
		want   Reason
	}{
		"missing":   {filepath.Join(dir, "missing"), "", NotFound},
		"file":      {file, "", NotDirectory},
		"not empty": {full, "", NotEmpty},
		"mounted":   {mounted.Dir(), "", AlreadyMounted},
		"inside":    {filepath.Join(mounted.Dir(), "hollow"), "", Inside},
		"source":    {dir, file, HoldsSource},
	} {
		s, err := Mount(c.dir, sampleFS(), Options{Source: c.source})
		if reasonOf(err) != c.want {
			t.Errorf("%s: %v, want reason %d", name, err, c.want)
		}
		if err == nil {
			_, err := s.Unmount(context.Background())
			t.Error("it was mounted", err)
		}
	}
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range list {
		found = found || m.Dir == mounted.Dir() && m.Source == "/some where/a,b\\c.tgsp"
	}
	if !found {
		t.Errorf("%s is not in the list: %+v", mounted.Dir(), list)
	}
}

func TestMountThroughLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "real"), 0o755), os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	s, err := Mount(link, sampleFS(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir() != filepath.Join(dir, "real") {
		t.Errorf("mounted at %s", s.Dir())
	}
	if lazy, err := Unmount(link); lazy || err != nil {
		t.Errorf("lazy is %t, %v", lazy, err)
	}
	s.Wait()
}

func TestUnmountOfNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "missing"), "/proc"} {
		if _, err := Unmount(dir); reasonOf(err) != NotMounted {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestLazyUnmount ends a mount while a program works in it.
func TestLazyUnmount(t *testing.T) {
	s := serve(t, sampleFS(), Options{})
	cmd := exec.Command("/bin/sh", "-c", `cd "$DIR/sub" && echo in && read line && cat deep/leaf`)
	cmd.Env = append(os.Environ(), "DIR="+s.Dir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if lazy, err := s.Unmount(ctx); !lazy || err != nil {
		t.Errorf("lazy is %t, %v", lazy, err)
	}
	// What was in use stays so.
	if _, err := io.WriteString(stdin, "go\n"); err != nil {
		t.Error(err)
	}
	if out, err := io.ReadAll(stdout); string(out) != "leaf" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	s.Wait()
}

func TestStatfs(t *testing.T) {
	s := serve(t, sampleFS(), Options{})
	out := mustShell(t, s.Dir(), `stat -f -c '%s %b %f %c %l %T' "$DIR"`)
	// config.json and run.sh and leaf have a block each, the large file 769.
	if want := "4096 772 0 10 255"; !strings.HasPrefix(out, want) {
		t.Errorf("%s, want %s", out, want)
	}
}

func TestReadAheadIsRaised(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("as a user the kernel's default stays")
		return
	}
	for want, bytes := range map[string]int{"8192": 0, "512": 512 << 10} {
		s := serve(t, sampleFS(), Options{ReadAhead: bytes})
		major, minor, err := deviceNumber(s.Dir())
		if err != nil {
			t.Fatal(err)
		}
		kb, err := os.ReadFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", major, minor))
		if err != nil || strings.TrimSpace(string(kb)) != want {
			t.Errorf("%s, %v, want %s", kb, err, want)
		}
	}
}
