// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

var arm64Kernels = flag.String("arm64.kernels", "stable", "kernels on which an emulated arm64 machine runs: those of .ci/arm64, with commas")

var arm64Large = flag.Int64("arm64.large", 64, "MiB of the package that shows the daemon's memory there")

var arm64Tests = flag.String("arm64.tests", "container", "packages whose tests run there, of container and mount, with commas")

// guestDeadline is how long an emulated machine gets to do everything. It takes a
// minute, or four with all tests; whoever waits for so long has met a hang.
const guestDeadline = 10 * time.Minute

const (
	guestModel = 2 << 20  // bytes of the model that is read in every way
	guestSpace = 64 << 20 // of the disk, beside the large package
)

// guestSeed makes packages of both architectures the same.
const guestSeed = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

// board is what machines of arm64 are tested with, made once on this one.
type board struct {
	files map[string]string // of their memory
	disk  string            // the folder that becomes their disk
	user  *rig.User
	plain string // the model
}

var arm64Board = sync.OnceValues(func() (*board, error) {
	dir := filepath.Join(lab.scratch, "arm64")
	b := &board{disk: filepath.Join(dir, "disk"), files: map[string]string{guestProgram: filepath.Join(dir, "init")}}
	b.plain = filepath.Join(b.disk, "model")
	if err := os.MkdirAll(b.disk, 0o755); err != nil {
		return nil, err
	}
	command, err := rig.BuildFor(context.Background(), dir, "arm64")
	if err != nil {
		return nil, err
	}
	b.files[guestCommand] = command
	tests := map[string]string{".": b.files[guestProgram]}
	for name := range strings.SplitSeq(*arm64Tests, ",") {
		tests["../"+name] = filepath.Join(dir, name)
		b.files[filepath.Join(guestTests, name)] = filepath.Join(dir, name)
	}
	for folder, to := range tests {
		cmd := exec.Command("go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-o", to, folder)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go test -c %s: %w: %s", folder, err, out)
		}
	}
	if b.user, err = rig.NewUser(lab.bin, b.disk, nil); err != nil {
		return nil, err
	}
	return b, b.fill()
})

// fill makes the packages.
func (b *board) fill() error {
	if _, err := model.Generate(b.plain, model.Options{Seed: 21, Size: guestModel}); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.disk, "seed"), []byte(guestSeed+"\n"), 0o600); err != nil {
		return err
	}
	large := filepath.Join(b.disk, "large")
	if err := errors.Join(os.Mkdir(large, 0o755), os.WriteFile(filepath.Join(large, "weights.bin"), nil, 0o644), os.Truncate(filepath.Join(large, "weights.bin"), *arm64Large<<20)); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"pack", b.plain, "-o", b.pkg("model"), "--test-seed", filepath.Join(b.disk, "seed")},
		{"pack", large, "-o", b.pkg("large")},
	} {
		if r := b.user.Run(args...); r.Code != 0 {
			return fmt.Errorf("%s", r)
		}
	}
	for _, name := range []string{"altered", "expiring"} {
		if err := rig.CopyFile(b.pkg("model"), b.pkg(name)); err != nil {
			return err
		}
	}
	return os.RemoveAll(large)
}

func (b *board) pkg(name string) string { return filepath.Join(b.disk, name+".tgsp") }

// TestARM64 boots an emulated machine of arm64 from kernels of Debian. It mounts
// packages that were made on this machine, through its own kernel's FUSE, reads them
// in every way, and packs one that is opened here.
func TestARM64(t *testing.T) {
	if m := rig.Missing("qemu-system-aarch64", "cpio", "mke2fs", "debugfs"); len(m) > 0 {
		t.Fatalf("missing %s: apt-get install qemu-system-arm cpio e2fsprogs", strings.Join(m, ", "))
	}
	b := must(arm64Board())(t)
	flip(t, b.pkg("altered"), must(os.Stat(b.pkg("altered")))(t).Size()*3/5)
	for kernel := range strings.SplitSeq(*arm64Kernels, ",") {
		t.Run(kernel, func(t *testing.T) { b.boot(t, kernel) })
	}
}

// boot runs one machine and judges what it has found.
func (b *board) boot(t *testing.T, kernel string) {
	work := folder(t, plainUser())
	cmd := exec.Command("../.ci/arm64", kernel)
	cmd.Stderr = os.Stderr
	out := must(cmd.Output())(t)
	v := &rig.Virtual{Kernel: strings.TrimSpace(string(out)), Files: b.files, Disk: filepath.Join(work, "disk"), Env: []string{childRole + "=guest"}}
	if err := rig.MakeDisk(v.Disk, b.disk, guestSpace+*arm64Large<<20); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), guestDeadline)
	defer cancel()
	began := time.Now()
	console, err := v.Run(ctx, work)
	if err != nil {
		t.Fatalf("%v; the console's last lines:\n%s", err, lastOf(console, 60))
	}
	t.Logf("the machine ran for %v", time.Since(began).Round(time.Second))
	g := &guestReport{t: t, board: b, found: map[string]json.RawMessage{}, disk: v.Disk, began: began}
	for line := range strings.Lines(console) {
		if text, ok := strings.CutPrefix(line, guestMark); ok {
			g.take(text)
		}
	}
	for _, step := range guestSteps {
		if _, ok := g.found[step.name]; !ok {
			t.Fatalf("nothing came of the step %q; the console's last lines:\n%s", step.name, lastOf(console, 60))
		}
	}
	g.judge(strings.TrimSpace(string(must(os.ReadFile(filepath.Join(v.Kernel, "release")))(t))))
}

func lastOf(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
