// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestExtractOnFullDisk extracts to a file system that is too small.
func TestExtractOnFullDisk(t *testing.T) {
	u := caller(t)
	disk := smallDisk(t, "16m")
	for size, code := range map[int64]int{64 << 20: 1, 4 << 20: 0} {
		pkg, target := filepath.Join(folder(t, u), "model.tgsp"), filepath.Join(disk, "out")
		if r := u.Run("pack", sparseModel(t, size), "-o", pkg); r.Code != 0 {
			t.Fatal(r)
		}
		r := u.Run("extract", pkg, target)
		if code == 0 {
			if r.Code != 0 {
				t.Errorf("what fits: %s", r)
			}
			if err := os.RemoveAll(target); err != nil {
				t.Error(err)
			}
		} else {
			refused(t, r, code, target, syscall.ENOSPC.Error())
		}
		wantEmpty(t, disk)
	}
}

// TestPackOnFullDisk packs onto a file system that is too small.
func TestPackOnFullDisk(t *testing.T) {
	u := caller(t)
	disk := smallDisk(t, "16m")
	target := filepath.Join(disk, "out.tgsp")
	r := u.Run("pack", sparseModel(t, 64<<20), "-o", target)
	refused(t, r, 1, target, syscall.ENOSPC.Error())
	wantEmpty(t, disk)
	// The same disk serves for a package that fits.
	if r := u.Run("pack", sparseModel(t, 4<<20), "-o", target); r.Code != 0 {
		t.Errorf("after the full disk: %s", r)
	}
}

// TestPackOfUnreadableFile packs a folder that holds a file of somebody else's.
func TestPackOfUnreadableFile(t *testing.T) {
	needRoot(t)
	u := nobody(t)
	dir := folder(t, u)
	input := subfolder(t, u, dir, "model")
	sparse(t, filepath.Join(input, "fine.bin"), 1<<20)
	secret := filepath.Join(input, "secret.bin")
	sparse(t, secret, 1<<20)
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	output := subfolder(t, u, dir, "output")
	refused(t, u.Run("pack", input, "-o", filepath.Join(output, "out.tgsp")), 1, "secret.bin", "permission denied")
	wantEmpty(t, output)
}

// wantEmpty fails the test when something lies in the folder.
func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	for _, e := range must(os.ReadDir(dir))(t) {
		t.Errorf("left behind: %s", filepath.Join(dir, e.Name()))
	}
}

// packing is a pack command that is at work on a large model.
type packing struct {
	input  string // a folder with files a.bin, b.bin, …
	output string // the folder of the target
	target string
	result chan rig.Result
	pid    int
}

// workOfStarting is more processor time than pack takes before it reads the
// model, and far less than reading takes.
const workOfStarting = 200 * time.Millisecond

// startPacking starts to pack 4 GiB in the given number of files and waits until
// their contents are being read.
func startPacking(t *testing.T, u *rig.User, files int) *packing {
	t.Helper()
	dir := folder(t, u)
	p := &packing{
		input:  subfolder(t, u, dir, "model"),
		output: subfolder(t, u, dir, "output"),
		result: make(chan rig.Result, 1),
	}
	p.target = filepath.Join(p.output, "out.tgsp")
	for i := range files {
		sparse(t, filepath.Join(p.input, string(rune('a'+i))+".bin"), 4<<30/int64(files))
	}
	cmd := u.Command("pack", p.input, "-o", p.target)
	go func() { p.result <- rig.Collect(cmd) }()
	err := rig.Until("pack reads the model", func() (bool, error) {
		pids, err := rig.Processes(u.Bin)
		if err != nil || len(pids) == 0 {
			return false, err
		}
		p.pid = pids[0]
		worked, err := rig.ProcessorTime(p.pid)
		return worked > workOfStarting, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPackInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(unix.SignalName(signal), func(t *testing.T) {
			p := startPacking(t, caller(t), 16)
			if err := syscall.Kill(p.pid, signal); err != nil {
				t.Fatal(err)
			}
			refused(t, <-p.result, 130)
			wantEmpty(t, p.output)
		})
	}
}

// TestPackKilled kills pack, which cannot clean up then. The target must not be
// there, and the next pack must succeed and leave nothing but its target.
func TestPackKilled(t *testing.T) {
	u := caller(t)
	p := startPacking(t, u, 16)
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if r := <-p.result; r.Code != 128+int(syscall.SIGKILL) {
		t.Errorf("pack ended before the signal: %s", r)
	}
	if _, err := os.Stat(p.target); !os.IsNotExist(err) {
		t.Errorf("a target is there: %v", err)
	}
	small := filepath.Join(p.input, "a.bin")
	if r := u.Run("pack", small, "-o", p.target); r.Code != 0 {
		t.Error(r)
	}
	if r := u.Run("verify", p.target); r.Code != 0 {
		t.Error(r)
	}
	for _, e := range must(os.ReadDir(p.output))(t) {
		if e.Name() != filepath.Base(p.target) {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}

// TestPackOfChangingFile changes a file while it is being read.
func TestPackOfChangingFile(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"grows":         func(path string) error { return os.Truncate(path, 4<<30+1) },
		"shrinks":       func(path string) error { return os.Truncate(path, 1<<20) },
		"is written to": overwrite,
	} {
		t.Run(name, func(t *testing.T) {
			p := startPacking(t, caller(t), 1)
			if err := change(filepath.Join(p.input, "a.bin")); err != nil {
				t.Fatal(err)
			}
			refused(t, <-p.result, 1, "a.bin")
			wantEmpty(t, p.output)
		})
	}
}

// overwrite changes a few bytes in the middle of a file.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("changed"), 2<<30)
	return errors.Join(err, f.Close())
}

// TestPackOfVanishingFile removes a file after the folder was listed and before
// the file is read: the last one in any reasonable order.
func TestPackOfVanishingFile(t *testing.T) {
	p := startPacking(t, caller(t), 16)
	if err := os.Remove(filepath.Join(p.input, "p.bin")); err != nil {
		t.Fatal(err)
	}
	refused(t, <-p.result, 1, "p.bin")
	wantEmpty(t, p.output)
}
