// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/rig"
)

// TestMain lets the scripts run this binary as tgsp.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tgsp": main, "tgsp-record": recordForTest})
}

// TestScripts runs testdata/script. What the scripts use beside tgsp and the
// usual commands is below.
func TestScripts(t *testing.T) {
	packages, err := filepath.Abs("../../container/testdata/v1")
	if err != nil {
		t.Fatal(err)
	}
	samples, err := filepath.Abs("scan/testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("TGSP_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("PACKAGES", packages)
			env.Setenv("SAMPLES", samples)
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, "tmp"))
			return os.Mkdir(filepath.Join(env.WorkDir, "tmp"), 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":     cmdExits,
			"poke":      cmdPoke,
			"field":     cmdField,
			"public":    cmdPublic,
			"mode":      cmdMode,
			"empty":     cmdEmpty,
			"random":    cmdRandom,
			"same":      cmdSame,
			"link":      cmdLink,
			"hold":      cmdHold,
			"sparse":    cmdSparse,
			"interrupt": cmdInterrupt,
			"secret":    cmdSecret,
			"leaks":     cmdLeaks,
			"guarded":   cmdGuarded,
			"store":     cmdStore,
			"floor":     cmdFloor,
			"signed":    cmdSigned,
			"saying":    cmdSaying,
			"curing":    cmdCuring,
			"crowd":     cmdCrowd,
			"barred":    cmdBarred,
			"event":     cmdEvent,
			"refusal":   cmdRefusal,
			"agent":     cmdAgent,
			"report":    cmdReport,
			"checks":    cmdChecks,
			"dsse":      cmdDSSE,
			"scrape":    cmdScrape,
			"taken":     cmdTaken,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

// exits CODE PROGRAM ARG…: runs a program that must end with this exit status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "exits CODE PROGRAM ARG…")
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e := new(exec.ExitError); errors.As(err, &e) {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != code {
		ts.Fatalf("exit status %d, want %d: %s", got, code, ts.ReadFile("stderr"))
	}
}

// poke FILE OFFSET HEX: changes bytes of a file; HEX may be "flip" for one bit.
func cmdPoke(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "poke FILE OFFSET HEX")
	off, err := strconv.Atoi(args[1])
	ts.Check(err)
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	if off < 0 {
		off += len(data)
	}
	if args[2] == "flip" {
		data[off] ^= 1
	} else {
		b, err := hex.DecodeString(args[2])
		ts.Check(err)
		copy(data[off:], b)
	}
	ts.Check(os.WriteFile(name, data, 0o644))
}

// field NAME VALUE: the last output, an object, has this value. NAME may lead
// into objects and lists, as in recipients.0.type; a VALUE of * is any.
func cmdField(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 2 || len(args) == 3, "field NAME VALUE [stderr]")
	stream := "stdout"
	if len(args) == 3 {
		stream = args[2]
	}
	checkField(ts, neg, ts.ReadFile(stream), args[0], args[1])
}

// checkField looks for a field of an object.
func checkField(ts *testscript.TestScript, neg bool, text, name, value string) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	ts.Check(d.Decode(&v))
	if d.More() {
		ts.Fatalf("more than one object: %s", text)
	}
	found := true
	for _, key := range strings.Split(name, ".") {
		switch x := v.(type) {
		case map[string]any:
			v, found = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if found = i < len(x); found {
				v = x[i]
			}
		default:
			found = false
		}
		if !found {
			break
		}
	}
	ok := found && (value == "*" || fmt.Sprint(v) == value)
	if ok == neg {
		ts.Fatalf("%s is %v, found is %t, want %s: %s", name, v, found, value, text)
	}
}

// public VARIABLE FILE: sets a variable to the public line in a secret key file.
func cmdPublic(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "public VARIABLE FILE")
	_, rest, found := strings.Cut(ts.ReadFile(args[1]), "# public key: ")
	if !found {
		ts.Fatalf("%s has no public line", args[1])
	}
	line, _, _ := strings.Cut(rest, "\n")
	ts.Setenv(args[0], line)
}

// mode FILE MODE: the file has these permissions.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "mode FILE MODE")
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// empty DIR: the folder holds nothing, not even hidden files.
func cmdEmpty(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "empty DIR")
	entries, err := os.ReadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(entries) > 0 {
		ts.Fatalf("%s holds %v", args[0], entries)
	}
}

// random FILE BYTES: writes a file that does not compress.
func cmdRandom(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "random FILE BYTES")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	data := make([]byte, n)
	x := uint64(88172645463325252)
	for i := range data {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		data[i] = byte(x)
	}
	name := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
	ts.Check(os.WriteFile(name, data, 0o644))
}

// same DIR1 DIR2: two folders hold the same files and folders.
func cmdSame(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "same DIR1 DIR2")
	a, b := describeTree(ts, args[0]), describeTree(ts, args[1])
	if !bytes.Equal(a, b) {
		ts.Fatalf("%s:\n%s\n%s:\n%s", args[0], a, args[1], b)
	}
}

func describeTree(ts *testscript.TestScript, dir string) []byte {
	var b bytes.Buffer
	dir = ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || d.IsDir() {
			fmt.Fprintln(&b, rel)
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", rel, sha256.Sum256(data))
		return err
	}))
	return b.Bytes()
}

// link TARGET NAME: makes a symbolic link.
func cmdLink(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "link TARGET NAME")
	ts.Check(os.Symlink(args[0], ts.MkAbs(args[1])))
}

// hold PACKAGE: holds the lock under which packages are changed until the script
// ends, as another program that does not finish.
func cmdHold(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "hold PACKAGE")
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_RDWR, 0)
	ts.Check(err)
	// FORMAT.md, section on changes: one byte at 2^62.
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: 1 << 62, Len: 1}
	ts.Check(unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock))
	ts.Defer(func() { f.Close() })
}

// sparse FILE BYTES: makes a file of zeros that takes no room.
func cmdSparse(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "sparse FILE BYTES")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	name := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
	ts.Check(os.WriteFile(name, nil, 0o644))
	ts.Check(os.Truncate(name, n))
}

// interrupt PROGRAM ARG…: interrupts a program when it has worked for a tenth of
// a second, which starting does not take. It must end with exit status 130.
func cmdInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 0, "interrupt PROGRAM ARG…")
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "TGSP_HOME="+ts.Getenv("TGSP_HOME"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	ts.Check(cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cmd.Wait() // its state is looked at below
	}()
	for {
		worked, err := rig.ProcessorTime(cmd.Process.Pid)
		ts.Check(err)
		if worked > 100*time.Millisecond {
			break
		}
		select {
		case <-ended:
			ts.Fatalf("it ended before it could be interrupted: %v: %s", cmd.ProcessState, stderr.String())
		case <-time.After(time.Millisecond):
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		ts.Fatalf("exit status %d, want 130: %s", code, stderr.String())
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		ts.Fatalf("it does not say so: %s", stderr.String())
	}
}

// floor DURATION: the latest time that the agent's clock has shown is this much
// after now, or before it.
func cmdFloor(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "floor DURATION")
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	store := &stateStore{dir: ts.MkAbs(ts.Getenv("TGSP_HOME"))}
	ts.Check(store.update(func(s *agentState) error {
		s.setFloor(time.Now().Add(d))
		return nil
	}))
}

// signed DURATION PACKAGE MODEL: packs a model by a clock that is this much ahead,
// with the keys in the home folder and a window that is open.
func cmdSigned(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 3, "signed DURATION PACKAGE MODEL")
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	home := ts.MkAbs(ts.Getenv("TGSP_HOME"))
	author, err := tgspcrypto.ReadAuthorKeyFile(filepath.Join(home, authorKeyFile))
	ts.Check(err)
	ids, err := tgspcrypto.ReadIdentityFile(filepath.Join(home, identityKeyFile))
	ts.Check(err)
	source, err := container.Scan(ts.MkAbs(args[2]), container.SourceOptions{})
	ts.Check(err)
	_, err = container.Pack(context.Background(), ts.MkAbs(args[1]), source, container.PackOptions{
		PackageID: "ahead", Version: "1.0.0", CreatedAt: time.Now().Add(d), Author: author,
		Recipients: []*tgspcrypto.Recipient{ids[0].Recipient()},
		Policy:     container.Policy{NotAfter: uint64(time.Now().AddDate(9, 0, 0).Unix())},
	})
	ts.Check(err)
}

// saying TEXT PROGRAM ARG…: interrupts a program when it says its first line on
// standard error, which holds the text. It must end with exit status 130.
func cmdSaying(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "saying TEXT PROGRAM ARG…")
	when(ts, args[0], 130, args[1:], func(p *os.Process) { ts.Check(p.Signal(os.Interrupt)) })
}

// curing TEXT PROGRAM ARG…: makes the present time the latest of the clock when a
// program says its first line, which holds the text. It must then succeed.
func cmdCuring(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "curing TEXT PROGRAM ARG…")
	when(ts, args[0], 0, args[1:], func(*os.Process) { cmdFloor(ts, false, []string{"0s"}) })
}

// when runs a program, acts when it has said its first line on standard error,
// which holds a text, and wants it to end with an exit status.
func when(ts *testscript.TestScript, text string, want int, args []string, act func(*os.Process)) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "TGSP_HOME="+ts.Getenv("TGSP_HOME"))
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(stderr)
	lines.Scan()
	said := lines.Text()
	act(cmd.Process)
	for lines.Scan() {
		said += "\n" + lines.Text()
	}
	cmd.Wait() // its state is looked at below
	if code := cmd.ProcessState.ExitCode(); code != want || !strings.Contains(said, text) {
		ts.Fatalf("exit status %d, want %d and %q: %s", code, want, text, said)
	}
	if strings.Count(said, "waiting") > 1 {
		ts.Fatalf("it says so more than once: %s", said)
	}
}
