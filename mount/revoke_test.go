// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"bytes"
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
)

// mappedSize is the size of the files that readers map.
const mappedSize = 3 << 20

func revokedFS() fstest.MapFS {
	data := bytes.Repeat([]byte{1}, mappedSize)
	fsys := fstest.MapFS{"config.json": {Data: []byte("{}")}}
	for _, name := range []string{"plain", "shared", "private", "locked"} {
		fsys["sub/"+name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

// gate is an Options.Allow that a test can shut.
type gate struct{ shut atomic.Bool }

func (g *gate) allow() error {
	if g.shut.Load() {
		return errors.New("shut")
	}
	return nil
}

// TestRevoke takes a mount away from a program that has everything open.
func TestRevoke(t *testing.T) {
	var g gate
	var log syncBuffer
	s := serve(t, revokedFS(), Options{
		Allow: g.allow, UID: uint32(os.Getuid()), Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	report := startReader(t, s.Dir())
	before := report()
	for way, err := range before.Got {
		if err != "" {
			t.Errorf("%s before: %s", way, err)
		}
	}
	if pages := 3 * mappedSize / os.Getpagesize(); before.Resident != pages || before.RSS != 3*mappedSize>>10 {
		t.Errorf("%d pages are cached and %d KiB mapped, want %d and %d", before.Resident, before.RSS, pages, 3*mappedSize>>10)
	}
	g.shut.Store(true)
	if left := s.Revoke(); left != 0 {
		t.Errorf("%d are left", left)
	}
	after := report()
	want := map[string]string{
		"open": "permission denied", "open cwd": "permission denied", "opendir": "permission denied", "stat": "permission denied",
		"pread": "permission denied", "O_DIRECT": "permission denied", "list": "permission denied",
		"shared": "SIGBUS", "private": "SIGBUS", "locked": "SIGBUS",
	}
	for way, err := range after.Got {
		if err != want[way] {
			t.Errorf("%s afterwards: %q, want %q", way, err, want[way])
		}
	}
	if after.Resident != 0 || after.RSS != 0 {
		t.Errorf("%d pages are still cached and %d KiB mapped", after.Resident, after.RSS)
	}
	if out, err := shell(t, s.Dir(), `ls "$DIR"`); err == nil || !strings.Contains(out, "Permission denied") {
		t.Errorf("ls: %v: %s", err, out)
	}
	// The folder goes at once, although it is in use.
	if err := s.Detach(); err != nil {
		t.Error(err)
	}
	if mounted, err := isMounted(s.Dir()); mounted || err != nil {
		t.Errorf("mounted is %t, %v", mounted, err)
	}
	if got := report().Got["pread"]; got != "permission denied" {
		t.Errorf("pread of a detached mount: %q", got)
	}
	if strings.Contains(log.String(), "read refused") {
		t.Errorf("what was not allowed is logged as damage:\n%s", log.String())
	}
}

// TestRefusedWithoutRevoke shuts a mount whose cache nobody empties: what the
// kernel asks for is refused.
func TestRefusedWithoutRevoke(t *testing.T) {
	var g gate
	s := serve(t, revokedFS(), Options{Allow: g.allow})
	mustShell(t, s.Dir(), `cat "$DIR/sub/plain" > /dev/null; ls "$DIR"`)
	g.shut.Store(true)
	for _, script := range []string{`cat "$DIR/sub/plain"`, `cat "$DIR/config.json"`, `ls "$DIR"`, `ls "$DIR/sub"`, `stat "$DIR/sub/shared"`} {
		if out, err := shell(t, s.Dir(), script); err == nil || !strings.Contains(out, "Permission denied") {
			t.Errorf("%s: %v, %d bytes", script, err, len(out))
		}
	}
	g.shut.Store(false)
	mustShell(t, s.Dir(), `cat "$DIR/sub/shared" "$DIR/config.json"`)
}

// TestRevokeOverridesLateReads shuts the mount while a read waits for storage.
// When its bytes come at last they are not given away, and its failing is not
// logged.
func TestRevokeOverridesLateReads(t *testing.T) {
	for name, result := range map[string]error{"bytes": nil, "error": errors.New("closed")} {
		var g gate
		var log syncBuffer
		began, release := make(chan struct{}, 100), make(chan struct{})
		read := func(p []byte, _ int64) (int, error) {
			began <- struct{}{}
			<-release
			for i := range p {
				p[i] = 1
			}
			return len(p), result
		}
		s := serve(t, brokenFS{fstest.MapFS{"held": {Data: make([]byte, 4096)}}, read}, Options{
			Allow: g.allow, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		cmd := exec.Command("/bin/cat", s.Dir()+"/held")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-began
		g.shut.Store(true)
		close(release)
		if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "Permission denied") {
			t.Errorf("%s: %v: %q", name, err, out.String())
		}
		if strings.Contains(log.String(), "read refused") {
			t.Errorf("%s: logged as damage:\n%s", name, log.String())
		}
	}
}

// TestRevokeWithHangingStorage takes a mount away while a read waits for storage
// that does not answer. Everything else is dropped, and as root, who can abort
// the connection, the read ends too.
func TestRevokeWithHangingStorage(t *testing.T) {
	var g gate
	fsys := revokedFS()
	fsys["held"] = &fstest.MapFile{Data: make([]byte, 1<<20)}
	began, release := make(chan struct{}, 100), make(chan struct{})
	hang := func([]byte, int64) (int, error) {
		began <- struct{}{}
		<-release
		return 0, errors.New("storage is gone")
	}
	s := serve(t, partlyFS{fsys, "held", hang}, Options{Allow: g.allow, UID: uint32(os.Getuid())})
	report := startReader(t, s.Dir())
	if before := report(); before.Resident == 0 {
		t.Fatal("nothing is cached")
	}
	cmd := exec.Command("/bin/cat", s.Dir()+"/held")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-began
	g.shut.Store(true)
	left := s.Revoke()
	if after := report(); after.Resident != 0 || after.Got["locked"] != "SIGBUS" {
		t.Errorf("afterwards: %+v", after)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if os.Geteuid() == 0 {
		if left != 0 {
			t.Errorf("%d are left", left)
		}
		if err := <-ended; err == nil {
			t.Error("the read that hung has succeeded")
		}
		s.Wait() // not for storage
		close(release)
		return
	}
	t.Logf("%d are left until storage answers", left)
	close(release)
	if err := <-ended; err == nil {
		t.Error("the read that hung has succeeded")
	}
}

// partlyFS is a file system of which one file is read in another way.
type partlyFS struct {
	iofs.FS
	name string
	read func(p []byte, off int64) (int, error)
}

func (f partlyFS) Open(name string) (iofs.File, error) {
	file, err := f.FS.Open(name)
	if err != nil || name != f.name {
		return file, err
	}
	return brokenFile{file, f.read}, nil
}

// TestDetachSparesTheNext detaches a mount that is in use and mounts another at
// its place. Who ends the first then must not end the second.
func TestDetachSparesTheNext(t *testing.T) {
	first := serve(t, sampleFS(), Options{})
	cmd := exec.Command("/bin/sh", "-c", `cd "$DIR/sub" && echo in && read line`)
	cmd.Env = append(os.Environ(), "DIR="+first.Dir())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if err := first.Detach(); err != nil {
		t.Fatal(err)
	}
	second, err := Mount(first.Dir(), sampleFS(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Detach(); reasonOf(err) != NotMounted {
		t.Errorf("detached again: %v", err)
	}
	if _, err := first.Unmount(context.Background()); reasonOf(err) != NotMounted {
		t.Errorf("unmounted again: %v", err)
	}
	mustShell(t, second.Dir(), `cat "$DIR/config.json"`)
	if err := errors.Join(second.Detach(), stdin.Close()); err != nil {
		t.Error(err)
	}
	cmd.Wait() // its read has met the end
	first.Wait()
	second.Wait()
}
