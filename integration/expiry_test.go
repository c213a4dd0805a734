// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

var expirySize = flag.Int64("expiry.size", 64, "MiB of the model whose mount is closed under load")

// closeWithin is how long after a mount's end bytes may still be served.
const closeWithin = time.Second

// loadKinds are the readers of a mount that is closed.
var loadKinds = []string{loadPread, loadMapped, loadLocked, loadDirect, loadPread, loadMapped, loadPread, loadMapped}

var expiryModel = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(lab.scratch, "expiry")
	_, err := model.Generate(dir, model.Options{Seed: 11, Size: *expirySize << 20, Shards: 1})
	return dir, err
})

// expiring packs the model for a mount that the test closes.
func expiring(t *testing.T, u *rig.User) (pkg string) {
	t.Helper()
	dir := must(expiryModel())(t)
	pkg = filepath.Join(folder(t, u), "expiring.tgsp")
	succeeds(t, u.Run("pack", dir, "-o", pkg))
	return pkg
}

// renewUntil gives a package the time at which it closes.
func renewUntil(t *testing.T, u *rig.User, pkg string, end time.Time, flags ...string) {
	t.Helper()
	succeeds(t, u.Run(append([]string{"renew", pkg, "--not-after", end.UTC().Format(time.RFC3339)}, flags...)...))
}

// loads are readers that run.
type loads struct {
	cmds  []*exec.Cmd
	lines []*bufio.Reader
}

// startLoads starts readers of a mount, which end when they are refused.
func startLoads(t *testing.T, u *rig.User, m *rig.Mount) *loads {
	t.Helper()
	files := must(filepath.Glob(filepath.Join(must(expiryModel())(t), "*.safetensors")))(t)
	l := new(loads)
	for _, kind := range loadKinds {
		cmd := childCommand(u, "load", kind, filepath.Join(m.Dir, filepath.Base(files[0])))
		cmd.Stderr = os.Stderr
		stdin, stdout := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() }) // where the test has failed
		// So that a user, too, can lock the whole file; in some containers not even
		// root may say so, and then a part of it has to do.
		all := &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_MEMLOCK, all, nil); err != nil && !errors.Is(err, unix.EPERM) {
			t.Fatal(err)
		}
		if _, err := io.WriteString(stdin, "\n"); err != nil {
			t.Fatal(err)
		}
		l.cmds, l.lines = append(l.cmds, cmd), append(l.lines, bufio.NewReader(stdout))
	}
	return l
}

// warm waits until each reader has been through its file.
func (l *loads) warm(t *testing.T) {
	t.Helper()
	for i, lines := range l.lines {
		if line, err := lines.ReadString('\n'); line != "warm\n" {
			t.Fatalf("%s: %q, %v", loadKinds[i], line, err)
		}
	}
}

// reports returns what the readers have met.
func (l *loads) reports(t *testing.T) []loadReport {
	t.Helper()
	reports := make([]loadReport, len(l.cmds))
	for i, cmd := range l.cmds {
		out := must(io.ReadAll(l.lines[i]))(t)
		if err := cmd.Wait(); err != nil {
			t.Fatalf("%s: %v", loadKinds[i], err)
		}
		if err := json.Unmarshal(out[strings.IndexByte(string(out), '{'):], &reports[i]); err != nil {
			t.Fatalf("%s: %v: %s", loadKinds[i], err, out)
		}
	}
	return reports
}

// outOfSight starts to wait until a mount has left the table, and returns a
// function that gives the time.
func outOfSight(t *testing.T, m *rig.Mount) func() time.Time {
	gone := make(chan time.Time, 1)
	go func() {
		err := rig.Until(m.Dir+" leaves the table of mounts", func() (bool, error) {
			list, err := rig.Mounts(m.Dir)
			return len(list) == 0, err
		})
		if err != nil {
			t.Error(err)
		}
		gone <- time.Now()
	}()
	return func() time.Time { return <-gone }
}

// checkClosed holds what readers have met against the promise: nothing before
// the end is refused, nothing is served after the limit, and nothing stays
// cached.
func checkClosed(t *testing.T, reports []loadReport, end, limit, gone time.Time) {
	t.Helper()
	since := func(ns int64) time.Duration { return time.Unix(0, ns).Sub(end).Round(time.Millisecond) }
	last, pages, rss := time.Duration(-1<<62), 0, 0
	for i, r := range reports {
		want := "permission denied"
		if kind := loadKinds[i]; kind == loadMapped || kind == loadLocked {
			want = "SIGBUS"
		}
		t.Logf("%-8s %6d MiB read, locked %4d MiB; last served read began %v, had ended %v; refused %v: %s; left %d pages, %d KiB mapped",
			loadKinds[i], r.Bytes>>20, r.Locked>>20, since(r.Last), since(r.LastDone), since(r.Failed), r.Outcome, r.Resident, r.RSS)
		if r.Bytes == 0 || r.Outcome != want {
			t.Errorf("%s: %d bytes, then %q, want %q", loadKinds[i], r.Bytes, r.Outcome, want)
		}
		if r.Failed < end.UnixNano() {
			t.Errorf("%s: refused %v before the end", loadKinds[i], -since(r.Failed))
		}
		if r.End < gone.UnixNano() {
			t.Errorf("%s: the folder was there until the reader let go", loadKinds[i])
		}
		last, pages, rss = max(last, since(r.Last)), pages+r.Resident, rss+r.RSS
	}
	t.Logf("%d readers of %d MiB: last byte served %v after the end, unmounted %v after it; cached pages left: %d, mapped: %d KiB",
		len(reports), *expirySize, last, gone.Sub(end).Round(time.Millisecond), pages, rss)
	if last > limit.Sub(end) {
		t.Errorf("bytes were served %v after the end, want at most %v", last, limit.Sub(end))
	}
	if pages > 0 || rss > 0 {
		t.Error("plaintext is still cached")
	}
}

// TestExpiryUnderLoad lets a mount reach its not_after while programs read it in
// every way.
func TestExpiryUnderLoad(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := expiring(t, u)
		lead := 4*time.Second + time.Duration(*expirySize)*15*time.Millisecond
		end := time.Now().Add(lead).Truncate(time.Second) // policies know whole seconds
		renewUntil(t, u, pkg, end)
		m := mount(t, u, pkg)
		gone := outOfSight(t, m)
		checkClosed(t, startLoads(t, u, m).reports(t), end, end.Add(closeWithin), gone())
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
		r := u.Run("status")
		_, log, found := strings.Cut(r.Stdout, "log of a mount that had errors or was closed by its policy: ")
		if log, _, _ = strings.Cut(log, " ("); !found {
			t.Fatalf("nothing tells why the mount has gone: %s", r)
		}
		if text := string(must(os.ReadFile(log))(t)); strings.Count(text, "level=WARN msg=expired ") != 1 || strings.Contains(text, "level=ERROR") {
			t.Errorf("the log:\n%s", text)
		}
		if err := os.Remove(log); err != nil {
			t.Error(err)
		}
		refused(t, u.Run("mount", pkg, m.Dir), 16, "not_after")
	})
}

// TestRevokeUnderLoad takes a mount away with umount --revoke.
func TestRevokeUnderLoad(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, expiring(t, u))
		l := startLoads(t, u, m)
		l.warm(t)
		gone := outOfSight(t, m)
		start := time.Now()
		r := u.Run("umount", "--revoke", m.Dir)
		t.Logf("umount --revoke took %v", time.Since(start).Round(time.Millisecond))
		returned := time.Now()
		if r.Code != 0 || !strings.Contains(r.Stderr, "copies that programs have made stay") {
			t.Errorf("%s", r)
		}
		// How soon the command comes to run, beside readers that take all
		// processors, is not this program's doing; when it says so it is done.
		checkClosed(t, l.reports(t), start, returned, gone())
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
		if r := u.Run("status"); strings.Contains(r.Stdout, m.Dir) || strings.Contains(r.Stdout, "log of a mount") {
			t.Errorf("something is left of it: %s", r)
		}
	})
}

// TestExpiryInForeground tells a service manager by the exit status why the mount
// has ended, and --grace shortens what the author grants.
func TestExpiryInForeground(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		pkg := expiring(t, u)
		end := time.Now().Truncate(time.Second).Add(time.Second)
		renewUntil(t, u, pkg, end, "--grace", "1h")
		dir := subfolder(t, u, folder(t, u), "mnt")
		m, err := u.MountForeground(pkg, dir, "--grace", "2s")
		guard(t, m, err)
		code, err := m.Wait()
		if err != nil || code != 16 || !strings.Contains(m.Log(), "not_after") {
			t.Errorf("exit %d, %v: %s", code, err, m.Log())
		}
		if now := time.Now(); now.Before(end.Add(2 * time.Second)) {
			t.Errorf("closed %v before the grace had ended", end.Add(2*time.Second).Sub(now))
		}
		refused(t, u.Run("mount", pkg, dir, "--grace", "2s"), 16, "without --grace")
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}
