// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// liftCoreLimit lets the processes that a test starts dump core, which takes
// root, and looks by a plain process whether they do.
func liftCoreLimit(t *testing.T, u *rig.User, dir string) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_CORE, &old); err != nil {
			t.Error(err)
		}
	})
	control := u.Exec("sh", "-c", "kill -ABRT $$")
	control.Dir = dir
	_ = control.Run() // its state is looked at below
	if !dumpedCore(control) {
		t.Logf("this machine dumps no cores, not even of a plain process: %v", control.ProcessState)
	}
	for _, name := range coresIn(t, dir) {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// dumpedCore reports what the kernel tells a parent, wherever cores go.
func dumpedCore(cmd *exec.Cmd) bool {
	return cmd.ProcessState.Sys().(syscall.WaitStatus).CoreDump()
}

// coresIn lists what looks like a core dump in a folder.
func coresIn(t *testing.T, dir string) []string {
	t.Helper()
	return must(filepath.Glob(filepath.Join(dir, "*core*")))(t)
}

// crashing is a user with keys and a package, and the secrets of both.
func crashing(t *testing.T, u *rig.User) (r *recorder, pkg string, secrets []*secret) {
	t.Helper()
	r = newRecorder(t, u)
	r.run(t, 0, "init")
	pkg = filepath.Join(r.Dir, "model.tgsp")
	r.run(t, 0, "pack", tinyModel(t), "-o", pkg)
	for _, name := range []string{"identity.key", "author.key"} {
		secrets = append(secrets, keyFile(t, filepath.Join(r.Home(), name))...)
	}
	return r, pkg, append(secrets, dataKey(t, pkg, secrets[0]))
}

// TestCrashDumpsNoCore ends serving processes as a crash does, where a plain
// process leaves a core: there is none, and the trace shows no key.
func TestCrashDumpsNoCore(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		r, pkg, secrets := crashing(t, u)
		cores := subfolder(t, u, r.Dir, "cores")
		liftCoreLimit(t, r.User, cores)
		for _, level := range []string{"", "single", "crash"} {
			t.Run("GOTRACEBACK="+level, func(t *testing.T) {
				dir := subfolder(t, u, folder(t, u), "mnt")
				cmd := r.Command("mount", "-f", pkg, dir)
				cmd.Dir, cmd.Env = cores, append(cmd.Env, "GOTRACEBACK="+level)
				var trace bytes.Buffer
				cmd.Stderr = &trace
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				m := guard(t, &rig.Mount{User: r.User, Dir: dir, PID: cmd.Process.Pid}, nil)
				if err := rig.Until("it is mounted", func() (bool, error) {
					list, err := rig.Mounts(dir)
					return slices.Contains(list, dir) || m.Exited(), err
				}); err != nil {
					t.Error(err)
				}
				readAll(t, r.User, dir)
				if err := cmd.Process.Signal(syscall.SIGABRT); err != nil {
					t.Error(err)
				}
				cmd.Wait() // its state is looked at below
				if dumpedCore(cmd) {
					t.Errorf("it dumped core: %v", cmd.ProcessState)
				}
				crashedByItself := cmd.ProcessState.ExitCode() == 2
				if level == "crash" {
					crashedByItself = rig.Status(cmd.ProcessState) == 128+int(syscall.SIGABRT)
				}
				if !crashedByItself {
					t.Errorf("it ended with %v, which is no crash", cmd.ProcessState)
				}
				if names := coresIn(t, cores); len(names) > 0 {
					t.Errorf("it left %v", names)
				}
				wantTrace(t, trace.Bytes(), secrets)
			})
		}
	})
}

// TestDaemonCrash is TestCrashDumpsNoCore for a daemon, whose trace goes to its
// log. The caller's wish for a core does not reach it.
func TestDaemonCrash(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		r, pkg, secrets := crashing(t, u)
		liftCoreLimit(t, r.User, r.Dir)
		before := coresIn(t, "/") // where a daemon works
		dir, log := subfolder(t, u, folder(t, u), "mnt"), filepath.Join(r.Dir, "log")
		cmd := r.Command("mount", pkg, dir, "--log", log)
		cmd.Env = append(cmd.Env, "GOTRACEBACK=crash")
		if result := rig.Collect(cmd); result.Code != 0 {
			t.Fatal(result)
		}
		pids := must(rig.Processes(r.Bin))(t)
		if len(pids) != 1 {
			t.Fatalf("processes %v, want one daemon", pids)
		}
		m := guard(t, &rig.Mount{User: r.User, Dir: dir, PID: pids[0]}, nil)
		readAll(t, r.User, dir)
		if environ := must(os.ReadFile(fmt.Sprintf("/proc/%d/environ", m.PID)))(t); bytes.Contains(environ, []byte("GOTRACEBACK")) {
			t.Errorf("the daemon's environment is %q", environ)
		}
		if err := syscall.Kill(m.PID, syscall.SIGABRT); err != nil {
			t.Error(err)
		}
		if err := rig.Until("the daemon has ended", func() (bool, error) { return m.Exited(), nil }); err != nil {
			t.Error(err)
		}
		wantTrace(t, must(os.ReadFile(log))(t), secrets)
		for _, name := range coresIn(t, "/") {
			if !slices.Contains(before, name) {
				t.Errorf("it left %s: %v", name, os.Remove(name))
			}
		}
		searchFiles(t, r.Home(), secrets, filepath.Join(r.Home(), "identity.key"), filepath.Join(r.Home(), "author.key"))
	})
}

// readAll reads all files of a tiny model, so that the keys were at work.
func readAll(t *testing.T, u *rig.User, dir string) {
	t.Helper()
	if result := rig.Collect(u.Exec("sh", "-c", `cat "$0"/*/* | wc -c`, dir)); result.Code != 0 || strings.TrimSpace(result.Stdout) == "0" {
		t.Errorf("reading %s: %s", dir, result)
	}
}

// wantTrace expects what a Go program says of its crash, without a secret.
func wantTrace(t *testing.T, trace []byte, secrets []*secret) {
	t.Helper()
	for _, word := range []string{"SIGABRT", "goroutine "} {
		if !bytes.Contains(trace, []byte(word)) {
			t.Errorf("no %q in the trace: %s", word, trace)
		}
	}
	search(t, "the trace", trace, secrets)
}
