// SPDX-License-Identifier: Apache-2.0

//go:build linux && !fuse3

package mount

import (
	"errors"
	iofs "io/fs"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
)

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
