// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestWindows runs tgsp.exe under Wine, and what it makes on this system too.
func TestWindows(t *testing.T) {
	dir := folder(t, plainUser())
	w, err := rig.NewWine(dir, "testdata/wine/bcryptprimitives.c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := w.BuildForWindows("build", "-trimpath", "-o", dir, "../cmd/tgsp", "./holder"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, *rig.Wine){
		"keys": windowsKeys, "paths": windowsPaths, "reserved names": windowsReservedNames, "key files": windowsKeyFiles, "exchange": windowsExchange,
		"same bodies": windowsSameBodies, "fleet": windowsFleet, "codes": windowsCodes, "unfinished": windowsUnfinished, "held": windowsHeld,
		"replaced": windowsReplaced, "unit tests": windowsUnitTests, "mounts": windowsMounts,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, w)
		})
	}
}

// winUser runs tgsp.exe, in a folder that Linux's programs see as well.
type winUser struct {
	*testing.T
	wine *rig.Wine
	dir  string // as Linux has it
	home string // the name of $TGSP_HOME in it; "" for where Windows has such things
}

// newWinUser makes a user with keys.
func newWinUser(t *testing.T, w *rig.Wine) *winUser {
	u := &winUser{t, w, folder(t, plainUser()), "home"}
	u.does("init")
	return u
}

// other is another user in the same folder, with keys.
func (u *winUser) other(home string) *winUser {
	o := *u
	o.home = home
	o.does("init")
	return &o
}

// path is the path of a name in the folder, as Linux has it.
func (u *winUser) path(name string) string { return filepath.Join(u.dir, name) }

func (u *winUser) command(program string, args ...string) *exec.Cmd {
	var env []string
	if u.home != "" {
		env = []string{"TGSP_HOME=" + rig.Windows(u.path(u.home))}
	}
	cmd := u.wine.Command(env, rig.Windows(u.wine.Path(program)), args...)
	cmd.Dir = u.dir
	return cmd
}

// run runs tgsp.exe. Nothing that it says is for a terminal to obey.
func (u *winUser) run(args ...string) rig.Result {
	u.Helper()
	r := rig.Collect(u.command("tgsp.exe", args...))
	r.Args = append([]string{"tgsp.exe"}, args...)
	if strings.Contains(r.Stdout+r.Stderr, "\x1b") {
		u.Errorf("an escape sequence: %q", r.Stdout+r.Stderr)
	}
	return r
}

// does runs what has to succeed, and returns what it says.
func (u *winUser) does(args ...string) rig.Result {
	u.Helper()
	r := u.run(args...)
	if r.Code != 0 {
		u.Fatal(r)
	}
	return r
}

// refuses runs what has to end with an exit code and say these words.
func (u *winUser) refuses(code int, args []string, words ...string) {
	u.Helper()
	refused(u.T, u.run(args...), code, words...)
}

// linux is a user of this system with the same home.
func (u *winUser) linux() *rig.User {
	user := plainUser()
	user.Dir = u.dir
	return user
}

// write makes a file, and folders for it.
func (u *winUser) write(name, text string) {
	u.Helper()
	name = u.path(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		u.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		u.Fatal(err)
	}
}

func (u *winUser) read(name string) string {
	u.Helper()
	return string(must(os.ReadFile(u.path(name)))(u.T))
}

// model makes a small model in the folder.
func (u *winUser) model(name string) {
	u.write(name+"/config.json", "{}\n")
	u.write(name+"/größe 日本/weights.bin", strings.Repeat("weights ", 20_000))
}

// sameTree fails the test where two folders hold other files.
func (u *winUser) sameTree(a, b string) {
	u.Helper()
	if out, err := exec.Command("diff", "-r", u.path(a), u.path(b)).CombinedOutput(); err != nil {
		u.Errorf("%v: %s", err, out)
	}
}

// left returns the names in the folder that are not among these.
func (u *winUser) left(but ...string) (names []string) {
	u.Helper()
	for _, e := range must(os.ReadDir(u.dir))(u.T) {
		if !slices.Contains(but, e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names
}

// public is the public line in a secret key file.
func (u *winUser) public(name string) string {
	u.Helper()
	_, rest, _ := strings.Cut(u.read(name), "# public key: ")
	line, _, found := strings.Cut(rest, "\n")
	if !found {
		u.Fatalf("%s has no public line", name)
	}
	return strings.TrimSpace(line)
}

// hold has a program of Windows keep a file open until the returned function is called.
func (u *winUser) hold(name string, how ...string) (release func()) {
	u.Helper()
	cmd := u.command("holder.exe", append([]string{rig.Windows(u.path(name))}, how...)...)
	cmd.Stderr = os.Stderr
	stdin, stdout := must(cmd.StdinPipe())(u.T), must(cmd.StdoutPipe())(u.T)
	if err := cmd.Start(); err != nil {
		u.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if strings.TrimSpace(line) != "open" {
		u.Errorf("it was not opened: %q, %v", line, err)
	}
	return func() {
		u.Helper()
		stdin.Close()
		io.Copy(io.Discard, stdout) //nolint:errcheck // however it ends
		if err := cmd.Wait(); err != nil {
			u.Error(err)
		}
	}
}
