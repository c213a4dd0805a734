// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/rig"
)

// program is a shell that tgsp exec runs, with this test at its streams.
type program struct {
	cmd  *exec.Cmd
	in   *os.File
	out  *bufio.Reader
	dir  string // the folder of the model
	pid  int    // the shell's
	user *rig.User
}

// execShell starts a shell that does what it is told, line by line, and waits
// until it answers.
func execShell(t *testing.T, u *rig.User, cmd *exec.Cmd) *program {
	t.Helper()
	in, theirIn, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	theirOut, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout = in, out
	// A file: programs that are left may hold it when tgsp has ended.
	stderr := must(os.CreateTemp(folder(t, u), ""))(t)
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	p := &program{cmd: cmd, in: theirIn, out: bufio.NewReader(theirOut), user: u}
	t.Cleanup(func() {
		p.in.Close()
		cmd.Process.Kill() //nolint:errcheck // most have ended
		cmd.Wait()
		theirOut.Close()
		if t.Failed() {
			said, _ := os.ReadFile(stderr.Name())
			t.Logf("standard error: %s", said)
		}
		stderr.Close()
	})
	p.dir = p.say(t, `echo "$TGSP_MODEL"`)
	if p.pid, err = strconv.Atoi(p.say(t, "echo $$")); err != nil {
		t.Fatal(err)
	}
	return p
}

// say has a line done and returns the line that it prints.
func (p *program) say(t *testing.T, line string) string {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		t.Fatal(err)
	}
	answer, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSuffix(answer, "\n")
}

// sum has the program hash a file of the model.
func (p *program) sum(t *testing.T) string {
	t.Helper()
	return p.say(t, `sha256sum "$TGSP_MODEL/config.json" 2>&1 | cut -d ' ' -f 1`)
}

// end closes the shell's input and returns the status of exec.
func (p *program) end(t *testing.T) int {
	t.Helper()
	fmt.Fprintln(p.in, "exit 0") // else it is that of the last line
	p.in.Close()
	p.cmd.Wait()
	return rig.Status(p.cmd.ProcessState)
}

func plainSum(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("sha256sum", filepath.Join(sample(t).dir, "config.json")).Output()
	if err != nil {
		t.Fatal(err)
	}
	sum, _, _ := strings.Cut(string(out), " ")
	return sum
}

// served returns the processes of the user that serve packages for exec.
func served(t *testing.T, u *rig.User) []int {
	t.Helper()
	var status struct {
		Mounts []struct {
			PID     int
			Private bool
		}
	}
	r := u.Run("status", "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &status); err != nil {
		t.Fatalf("%v: %s", err, r)
	}
	var pids []int
	for _, m := range status.Mounts {
		if m.Private {
			pids = append(pids, m.PID)
		}
	}
	return pids
}

// goneWith waits until nothing serves any more, and looks at what is left: of the
// folders that programs have had, too.
func goneWith(t *testing.T, u *rig.User, dirs ...string) {
	t.Helper()
	if err := rig.Until("nothing is served", func() (bool, error) { return len(served(t, u)) == 0, nil }); err != nil {
		t.Error(err)
	}
	left := must(filepath.Glob(filepath.Join(u.Home(), "run", "*")))(t)
	left = append(left, must(filepath.Glob(filepath.Join(u.Home(), "exec", "*")))(t)...)
	for _, dir := range dirs {
		if _, err := os.Lstat(filepath.Dir(dir)); err == nil && strings.HasSuffix(dir, "/model") {
			left = append(left, filepath.Dir(dir))
		}
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestExecPassesOn gives a program its streams, arguments, environment, files,
// limits and status.
func TestExecPassesOn(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := samplePackage(t, u)
		r := u.Run("exec", pkg, "--", "sh", "-c", `cmp "$1/config.json" "$TGSP_MODEL/config.json" && echo "$1" && echo "$2" && cat && ulimit -c && echo out >&2 && exit 42`,
			"sh", "{}", "a{}b{}")
		if r.Code != 42 || strings.TrimSpace(r.Stderr) != "out" {
			t.Error(r)
		}
		limit := must(exec.Command("sh", "-c", "ulimit -c").Output())(t)
		lines := strings.Split(r.Stdout, "\n")
		if len(lines) != 4 || lines[1] != "a"+lines[0]+"b"+lines[0] || lines[2] != strings.TrimSpace(string(limit)) {
			t.Errorf("got %q, want the folder, it twice, and a limit on core files of %s", lines, limit)
		}

		given := must(os.CreateTemp(folder(t, u), ""))(t)
		defer given.Close()
		if _, err := given.WriteString("given"); err != nil {
			t.Fatal(err)
		}
		if _, err := given.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		cmd := u.Command("exec", pkg, "--", "sh", "-c", "cat <&3; grep -c Cap.*000000000000[1-9] /proc/self/status")
		cmd.ExtraFiles = []*os.File{given}
		if r := rig.Collect(cmd); !strings.HasPrefix(r.Stdout, "given") || u.Cred != nil && !strings.Contains(r.Stdout, "given0\n") {
			t.Error(r)
		}
		goneWith(t, u)
	})
}

// TestExecAlone shows the model to the program and what it starts, and to nobody
// else, not even by way of the program's /proc.
func TestExecAlone(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		p := execShell(t, u, u.Command("exec", samplePackage(t, u), "--", "sh"))
		if got := p.sum(t); got != plainSum(t) {
			t.Errorf("the program reads %s", got)
		}
		if r := rig.Collect(u.Exec("ls", "-A", filepath.Dir(p.dir))); r.Code != 0 || r.Stdout != "" {
			t.Errorf("another program of the user sees: %s", r)
		}
		if mounts := must(rig.Mounts(u.Home()))(t); len(mounts) != 0 {
			t.Errorf("another program of the user sees mounts: %v", mounts)
		}
		if u.Cred != nil {
			inside := filepath.Join(fmt.Sprintf("/proc/%d/root", p.pid), p.dir, "config.json")
			if r := rig.Collect(u.Exec("cat", inside)); r.Code == 0 {
				t.Errorf("another program of the user reads %s", inside)
			}
		}
		if pids := served(t, u); len(pids) != 1 {
			t.Errorf("status knows of processes %v", pids)
		}
		refused(t, u.Run("umount", p.dir), 17, "tgsp exec", "--revoke")
		if got := p.sum(t); got != plainSum(t) {
			t.Errorf("the program reads %s", got)
		}
		if code := p.end(t); code != 0 {
			t.Errorf("exit %d", code)
		}
		goneWith(t, u, p.dir)
	})
}

// TestExecGivesUpRoot lets a program of root's that becomes another user read on.
func TestExecGivesUpRoot(t *testing.T) {
	needRoot(t)
	u := caller(t)
	r := u.Run("exec", samplePackage(t, u), "--", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "sha256sum", "{}/config.json")
	if r.Code != 0 || !strings.HasPrefix(r.Stdout, plainSum(t)) {
		t.Error(r)
	}
}

// TestExecServesToTheEnd goes on for a program that reads when the signal that ends
// them all has come.
func TestExecServesToTheEnd(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		p := execShell(t, u, u.Command("exec", samplePackage(t, u), "--", "sh"))
		p.say(t, "trap '' TERM; echo")
		for _, pid := range append(served(t, u), p.cmd.Process.Pid, p.pid) {
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		dropCaches(t)
		if got := p.sum(t); got != plainSum(t) {
			t.Errorf("the program reads %s", got)
		}
		if code := p.end(t); code != 0 {
			t.Errorf("exit %d", code)
		}
		goneWith(t, u, p.dir)
	})
}

// TestExecLeavesSignalsIgnored runs a program as it would without exec: a signal that
// the caller ignores stays ignored, and descriptors that were promised are.
func TestExecLeavesSignalsIgnored(t *testing.T) {
	u := caller(t)
	r := rig.Collect(u.Exec("sh", "-c", `trap '' INT HUP; export LISTEN_PID=$$; exec "$0" exec "$1" -- sh -c 'grep SigIgn /proc/$$/status; [ $LISTEN_PID = $$ ] && echo mine'`, u.Bin, samplePackage(t, u)))
	var mask uint64
	if _, err := fmt.Sscanf(r.Stdout, "SigIgn:\t%x\nmine\n", &mask); err != nil || mask&3 != 3 {
		t.Errorf("%v, ignored are %x: %s", err, mask, r)
	}
}

// TestExecLastProgram keeps the folder until the last program has ended, whatever
// has become of tgsp itself.
func TestExecLastProgram(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := samplePackage(t, u)
		t.Run("left behind", func(t *testing.T) {
			dir := folder(t, u)
			line := `(while ! [ -e "$0/go" ]; do sleep 0.02; done; sha256sum "$TGSP_MODEL/config.json" > "$0/sum.part"; mv "$0/sum.part" "$0/sum") >/dev/null 2>&1 &`
			if r := u.Run("exec", pkg, "--", "sh", "-c", line, dir); r.Code != 0 {
				t.Fatal(r)
			}
			if len(served(t, u)) != 1 {
				t.Fatal("the folder is gone while a program is left")
			}
			if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			goneWith(t, u)
			sum, err := os.ReadFile(filepath.Join(dir, "sum"))
			if err != nil || !strings.HasPrefix(string(sum), plainSum(t)) {
				t.Errorf("the program that was left has read %q, %v", sum, err)
			}
		})
		t.Run("killed", func(t *testing.T) {
			p := execShell(t, u, u.Command("exec", pkg, "--", "sh"))
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			p.cmd.Wait()
			if got := p.sum(t); got != plainSum(t) {
				t.Errorf("the program reads %s", got)
			}
			p.in.Close()
			goneWith(t, u, p.dir)
		})
		t.Run("server killed", func(t *testing.T) {
			p := execShell(t, u, u.Command("exec", pkg, "--", "sh"))
			for _, pid := range served(t, u) {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				// Until its last thread has gone, a read may be one that the end cuts off.
				err := rig.Until("the server's threads have ended", func() (bool, error) {
					threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
					state, stateErr := rig.StatusField(pid, "State")
					return err != nil || stateErr != nil || len(threads) == 1 && strings.HasPrefix(state, "Z"), nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := p.say(t, `cat "$TGSP_MODEL/README.md" 2>&1 | tail -1`); !strings.Contains(got, "not connected") {
				t.Errorf("the program reads %q", got)
			}
			p.end(t)
			goneWith(t, u, p.dir)
		})
	})
}

// TestExecSignals passes signals on, and takes an end by one for that.
func TestExecSignals(t *testing.T) {
	u := caller(t)
	pkg := samplePackage(t, u)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1} {
		p := execShell(t, u, u.Command("exec", pkg, "--", "sh"))
		p.say(t, fmt.Sprintf(`trap 'exit 9' %d; echo`, s))
		fmt.Fprintln(p.in, "while :; do sleep 0.02; done") // a shell that reads looks at no trap
		if err := p.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		p.cmd.Wait()
		if code := rig.Status(p.cmd.ProcessState); code != 9 {
			t.Errorf("%v: exit %d, want the one of the trap", s, code)
		}
	}
	if r := u.Run("exec", pkg, "--", "sh", "-c", "kill -KILL $$"); r.Code != 128+9 {
		t.Error(r)
	}
	goneWith(t, u)
}

// TestExecRevoked takes the model from a program: by its user's wish, and when its
// time is over.
func TestExecRevoked(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		p := execShell(t, u, u.Command("exec", samplePackage(t, u), "--", "sh"))
		p.say(t, `exec 5< "$TGSP_MODEL/config.json"; echo`)
		succeeds(t, u.Run("umount", "--revoke", p.dir))
		for _, line := range []string{`cat <&5 2>&1`, `cat "$TGSP_MODEL/config.json" 2>&1`} {
			if got := p.say(t, line); !strings.Contains(got, "ermission denied") {
				t.Errorf("%s: %q", line, got)
			}
		}
		if code := p.end(t); code != 0 {
			t.Errorf("exit %d", code)
		}
		goneWith(t, u)

		pkg := filepath.Join(folder(t, u), "short.tgsp")
		end := time.Now().Add(3 * time.Second).Truncate(time.Second)
		succeeds(t, u.Run("pack", sample(t).dir, "-o", pkg, "--not-after", end.UTC().Format(time.RFC3339)))
		p = execShell(t, u, u.Command("exec", pkg, "--", "sh"))
		if got := p.sum(t); got != plainSum(t) {
			t.Errorf("the program reads %s", got)
		}
		time.Sleep(time.Until(end) + time.Second)
		if got := p.say(t, `cat "$TGSP_MODEL/config.json" 2>&1`); !strings.Contains(got, "ermission denied") {
			t.Errorf("after its time: %q", got)
		}
		p.end(t)
		refused(t, u.Run("exec", pkg, "--", "sh"), 125, "not_after")
		for _, log := range must(filepath.Glob(filepath.Join(u.Home(), "run", "*.log")))(t) {
			if err := os.Remove(log); err != nil { // it tells of the end
				t.Error(err)
			}
		}
		goneWith(t, u)
	})
}

// confinedCommand is tgsp, as the user, where the system makes no namespaces.
func confinedCommand(u *rig.User, args ...string) *exec.Cmd {
	cmd := u.Exec(lab.child, append([]string{strconv.Itoa(cmdUser(u)), u.Bin}, args...)...)
	cmd.Env = append(cmd.Env, childRole+"=confined")
	cmd.SysProcAttr = nil // it needs its rights until it has given up others
	return cmd
}

// TestExecWithoutNamespaces runs a program where the system grants none: in a
// folder for its user alone, which goes with it.
func TestExecWithoutNamespaces(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := samplePackage(t, u)
		for _, killed := range []bool{false, true} {
			p := execShell(t, u, confinedCommand(u, "exec", pkg, "--", "sh"))
			if got := p.sum(t); got != plainSum(t) {
				t.Errorf("the program reads %s", got)
			}
			mounts, home := must(rig.Mounts(p.dir))(t), must(os.Stat(filepath.Dir(p.dir)))(t)
			if home.Mode().Perm() != 0o700 || len(mounts) != 1 {
				t.Errorf("%s: mode %v of what it lies in, mounts %v", p.dir, home.Mode(), mounts)
			}
			if killed {
				if err := p.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				p.cmd.Wait()
				if got := p.sum(t); got != plainSum(t) {
					t.Errorf("the program reads %s", got)
				}
			}
			p.end(t)
			if err := rig.Until("the folder is gone", func() (bool, error) {
				_, err := os.Lstat(p.dir)
				return os.IsNotExist(err), nil
			}); err != nil {
				t.Error(err)
			}
		}
		if r := rig.Collect(confinedCommand(u, "exec", pkg, "--", "true")); r.Code != 0 || !strings.Contains(r.Stderr, "grants no namespaces") {
			t.Error(r)
		}
		refused(t, rig.Collect(confinedCommand(u, "exec", "--private", pkg, "--", "true")), 125, "no namespace for the program alone", "--private")
		// As a daemon it closes what it does not know, and is not left alone for that.
		p := execShell(t, u, confinedCommand(u, "exec", pkg, "--", "bash")) // others close no more than nine
		p.say(t, `for fd in /proc/$$/fd/*; do fd=${fd##*/}; [ $fd -gt 2 ] && eval "exec $fd>&-"; done; echo`)
		time.Sleep(200 * time.Millisecond)
		if got := p.sum(t); got != plainSum(t) {
			t.Errorf("the program reads %s", got)
		}
		p.end(t)
		for range 20 {
			succeeds(t, rig.Collect(confinedCommand(u, "exec", pkg, "--", "true")))
		}
		refused(t, rig.Collect(confinedCommand(u, "exec", "--expect", "acme/other", pkg, "--", "true")), 125)
		goneWith(t, u)
	})
}

func cmdUser(u *rig.User) int {
	if u.Cred == nil {
		return os.Getuid()
	}
	return int(u.Cred.Uid)
}
