// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/framework"
	"github.com/tensorguard/tgsp/integration/rig"
)

const python = framework.Python

// lab is what all tests of a run share; [TestMain] fills it.
var lab struct {
	scratch string // everything a run writes lies below it
	bin     string // the built command
	child   string // this test binary, where any user may execute it
	kit     *framework.Kit
}

// TestMain builds the command, runs the tests and then fails the run if a
// mount, a process or a file of its own is left.
func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		os.Exit(runChild(role, os.Args[1:]))
	}
	flag.Parse()
	takeHangup()
	code := 1
	err := prepare()
	if err == nil {
		code = m.Run()
		err = leftovers()
	}
	if err = errors.Join(err, dismantle()); err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = 1
	}
	os.Exit(code)
}

// takeHangup lets programs that tests start be ended by SIGHUP, also where this run is
// to outlive its terminal (nohup): they would ignore it as well.
func takeHangup() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// prepare makes the scratch folder and puts into it what children execute.
func prepare() (err error) {
	if lab.scratch, err = os.MkdirTemp("", "tgsp-integration-"); err != nil {
		return err
	}
	// Other users pass through, and the tests' temporary folders lie below as well.
	for _, dir := range []string{"", "bin", "tmp"} {
		dir = filepath.Join(lab.scratch, dir)
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(lab.scratch, "tmp"), 0o1777); err != nil {
		return err
	}
	if err := os.Setenv("TMPDIR", filepath.Join(lab.scratch, "tmp")); err != nil {
		return err
	}
	if err := requirements(); err != nil {
		return err
	}
	bin := filepath.Join(lab.scratch, "bin")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	lab.child = filepath.Join(bin, "child")
	if err := copyFile(self, lab.child, 0o755); err != nil {
		return err
	}
	if lab.kit, err = framework.NewKit(bin); err != nil {
		return err
	}
	lab.bin, err = rig.Build(context.Background(), bin)
	return err
}

// requirements says at once what the machine lacks, with the next step.
func requirements() error {
	var errs []error
	if m := rig.Missing("fusermount3", "tar"); len(m) > 0 {
		errs = append(errs, fmt.Errorf("missing %s: apt-get install fuse3 tar", strings.Join(m, ", ")))
	}
	if out, err := exec.Command(python, "-c", "import numpy, torch, cv2, cryptography, cbor2").CombinedOutput(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w: apt-get install python3-torch python3-numpy python3-opencv python3-cryptography python3-cbor2\n%s", python, err, out))
	}
	if m := rig.MissingForWine(); len(m) > 0 && runtime.GOARCH == "amd64" {
		errs = append(errs, fmt.Errorf("programs of Windows need more: apt-get install --no-install-recommends %s", strings.Join(m, " ")))
	}
	info, err := os.Stat("/dev/fuse")
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("no FUSE in this kernel or container: %w", err))
	case info.Mode().Perm()&0o006 != 0o006 && os.Getuid() == 0:
		errs = append(errs, os.Chmod("/dev/fuse", 0o666))
	}
	return errors.Join(errs...)
}

// leftovers reports what a run should have taken away by itself.
func leftovers() error {
	var errs []error
	mounts, err := rig.Mounts(lab.scratch)
	if err != nil || len(mounts) > 0 {
		errs = append(errs, err, fmt.Errorf("mounts left behind: %q", mounts))
	}
	pids, err := rig.Processes(lab.bin)
	if err != nil || len(pids) > 0 {
		errs = append(errs, err, fmt.Errorf("processes left behind: %v", pids))
	}
	files, err := os.ReadDir(os.TempDir())
	if err != nil || len(files) > 0 {
		errs = append(errs, err, fmt.Errorf("files left in %s: %v", os.TempDir(), files))
	}
	return errors.Join(errs...)
}

// dismantle removes everything of this run, in whatever state it is.
func dismantle() error {
	if mounts, err := rig.Mounts(lab.scratch); err == nil {
		for _, dir := range mounts {
			_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		}
	}
	if pids, err := rig.Processes(lab.bin); err == nil && lab.bin != "" {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return os.RemoveAll(lab.scratch)
}

func copyFile(from, to string, mode os.FileMode) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	// WriteFile's mode passes the umask; another user must be able to use the copy.
	return errors.Join(os.WriteFile(to, b, mode), os.Chmod(to, mode))
}
