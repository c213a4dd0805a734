// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// auditEvent is a line of an audit log, as far as these tests look at it.
type auditEvent struct {
	Event, Package, Mountpoint, File, Kind, Reason string

	PackageID string `json:"package_id"`
	Code      int
	Lost      uint64
}

// auditEvents reads an audit log, every line of which must be an object.
func auditEvents(t *testing.T, name string) []auditEvent {
	t.Helper()
	var events []auditEvent
	for _, line := range readLines(t, name) {
		if line == "" {
			continue
		}
		var e auditEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		events = append(events, e)
	}
	return events
}

// wantEvents compares the kinds of a log's events.
func wantEvents(t *testing.T, events []auditEvent, kinds ...string) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, e.Event)
	}
	if strings.Join(got, " ") != strings.Join(kinds, " ") {
		t.Fatalf("events %v, want %v", got, kinds)
	}
}

// TestAuditOfMounts mounts in both ways and looks at what is on record.
func TestAuditOfMounts(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		dir, pkg := folder(t, u), samplePackage(t, u)
		mnt, log := subfolder(t, u, dir, "mnt"), filepath.Join(dir, "audit.log")
		m, err := u.Mount(pkg, mnt, "--audit-log", log)
		guard(t, m, err)
		// It stands there as soon as the folder can be read.
		wantEvents(t, auditEvents(t, log), "opened")
		unmount(t, m)
		m, err = u.MountForeground(pkg, mnt, "--audit-log", log)
		guard(t, m, err)
		if code, err := m.Signal(syscall.SIGTERM); err != nil || code != 0 {
			t.Errorf("exit %d, %v", code, err)
		}
		refused(t, u.Run("mount", pkg, mnt, "--audit-log", log, "--expect", "acme/other"), 12)
		events := auditEvents(t, log)
		wantEvents(t, events, "opened", "unmounted", "opened", "unmounted", "refused")
		for _, e := range events {
			if e.Package != pkg || e.Mountpoint != mnt || e.PackageID == "" || e.Lost != 0 {
				t.Errorf("%+v", e)
			}
		}
		if !strings.Contains(events[1].Reason, "umount") || !strings.Contains(events[3].Reason, "told to end") {
			t.Errorf("ended %q and %q", events[1].Reason, events[3].Reason)
		}
		if logs := must(filepath.Glob(filepath.Join(u.Home(), "run", "*")))(t); len(logs) != 0 {
			t.Errorf("left behind: %v", logs)
		}
	})
}

// TestAuditOfAlteredBytes reads what was altered beneath a mount again and again:
// one event for each defect.
func TestAuditOfAlteredBytes(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	pkg, log := copyPackage(t, u, dir), filepath.Join(dir, "audit.log")
	m, err := u.MountForeground(pkg, subfolder(t, u, dir, "mnt"), "--audit-log", log)
	guard(t, m, err)
	size := must(os.Stat(pkg))(t).Size()
	flip(t, pkg, size/5)
	flip(t, pkg, size*3/5)
	for range 3 {
		dropCaches(t)
		c := compare(t, u, sample(t).dir, m.Dir, 0)
		if len(c.Problems) != 2 {
			t.Errorf("problems are %+v, want two", c.Problems)
		}
	}
	unmount(t, m)
	events := auditEvents(t, log)
	wantEvents(t, events, "opened", "altered", "altered", "unmounted")
	for _, e := range events[1:3] {
		if e.Code != 13 || e.Kind != "altered" || e.File == "" || e.Mountpoint != m.Dir {
			t.Errorf("%+v", e)
		}
	}
	if events[1].File == events[2].File {
		t.Errorf("both events are about %s", events[1].File)
	}
}

// smallDisk is a file system of a few pages.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	needRoot(t)
	dir := folder(t, plainUser())
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=1777"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no room on a file system. It returns what frees it.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f := must(os.Create(name))(t)
	defer f.Close()
	var err error
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

// TestAuditLogWithoutRoom opens nothing where that cannot be put on record.
func TestAuditLogWithoutRoom(t *testing.T) {
	u, disk := caller(t), smallDisk(t, "16k")
	fill(t, disk)
	dir, pkg, log := folder(t, u), samplePackage(t, u), filepath.Join(disk, "audit.log")
	mnt := subfolder(t, u, dir, "mnt")
	// Whoever comes before the record gets nothing.
	eager := u.Exec("sh", "-c", `while :; do cat "$0" 2>/dev/null && exit; done`, filepath.Join(mnt, "config.json"))
	eager.SysProcAttr.Setpgid = true
	if err := eager.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(-eager.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended, which is looked at
		if eager.Wait(); eager.ProcessState.Exited() {
			t.Error("a file was read off the record")
		}
	}()
	for _, verb := range [][]string{{"mount", pkg, mnt}, {"mount", "-f", pkg, mnt}, {"cat", pkg, "config.json"}, {"extract", pkg, filepath.Join(dir, "out")}} {
		r := u.Run(append(verb, "--audit-log", log)...)
		refused(t, r, 1, log, "no space left")
		if r.Stdout != "" {
			t.Errorf("it says %q", r.Stdout)
		}
	}
	if list := must(rig.Mounts(mnt))(t); len(list) != 0 {
		t.Errorf("mounted: %v", list)
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("extracted: %v", err)
	}
	waitForNoProcess(t, u)
	for _, log := range must(filepath.Glob(filepath.Join(u.Home(), "run", "*")))(t) {
		if err := os.Remove(log); err != nil { // logs that tell of it
			t.Error(err)
		}
	}
}

// TestAuditLogThatFillsUp takes the room away while a package is mounted. The
// mount goes on and says so once; the next line counts what is missing.
func TestAuditLogThatFillsUp(t *testing.T) {
	u, disk := caller(t), smallDisk(t, "16k")
	dir, log := folder(t, u), filepath.Join(disk, "audit.log")
	pkg := copyPackage(t, u, dir)
	// So that the next line needs a page that is not there.
	if err := os.WriteFile(log, []byte(strings.Repeat("{}\n", 4096/3-330)), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := u.MountForeground(pkg, subfolder(t, u, dir, "mnt"), "--audit-log", log)
	guard(t, m, err)
	free := fill(t, disk)
	size := must(os.Stat(pkg))(t).Size()
	flip(t, pkg, size/5)
	flip(t, pkg, size*3/5)
	c := compare(t, u, sample(t).dir, m.Dir, 0)
	if len(c.Problems) != 2 || c.Files != sample(t).files {
		t.Errorf("%d files, problems %+v, want two", c.Files, c.Problems)
	}
	err = rig.Until("the mount tells of its audit log", func() (bool, error) {
		return strings.Contains(m.Log(), "the audit log is not whole"), nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := strings.Count(m.Log(), "the audit log is not whole"); n != 1 {
		t.Errorf("it tells %d times: %s", n, m.Log())
	}
	free()
	unmount(t, m)
	var kinds []string
	lost := uint64(0)
	for _, line := range readLines(t, log) {
		var e auditEvent
		if json.Unmarshal([]byte(line), &e) == nil && e.Event != "" { // one line may have been cut off
			kinds, lost = append(kinds, e.Event), lost+e.Lost
		}
	}
	if got := strings.Join(kinds, " "); got != "opened unmounted" || lost != 2 {
		t.Errorf("events %s, %d lost, want opened unmounted and 2", got, lost)
	}
	if !strings.Contains(m.Log(), "lacks 2 of the events") {
		t.Errorf("the mount's log does not count them: %s", m.Log())
	}
}

// TestAuditToServices runs tgsp where a syslog and a journal of the test answer.
func TestAuditToServices(t *testing.T) {
	needRoot(t)
	u := caller(t)
	dir, pkg := folder(t, u), samplePackage(t, u)
	services := map[string]string{"syslog": filepath.Join(dir, "log"), "journald": filepath.Join(dir, "socket")}
	// Inside, /run is the test's own, and the services' names lead to its sockets.
	const script = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal
mount --bind "$1" /run/systemd/journal
if [ -S /dev/log ]; then mount --bind "$1/log" /dev/log; else ln -s "$1/log" /run/log; fi
shift
exec "$@"`
	for dest, socket := range services {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for verb, kind := range map[string]string{"ls": "opened", "cat": "refused"} {
			code, args := 0, []string{"-m", "sh", "-c", script, "sh", dir, u.Bin, verb, pkg, "--audit-log", dest}
			if verb == "cat" {
				code, args = 12, append(args, "config.json", "--expect", "acme/other")
			}
			if r := rig.Collect(u.Exec("unshare", args...)); r.Code != code {
				t.Fatal(r)
			}
			b := make([]byte, 1<<16)
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			n, err := conn.Read(b)
			if got := string(b[:n]); err != nil || !strings.Contains(got, `"event":"`+kind+`"`) || !strings.Contains(got, "tgsp") {
				t.Errorf("%s of %s: %q, %v", verb, dest, got, err)
			}
			if got := string(b[:n]); dest == "journald" && !strings.Contains(got, "\nTGSP_EVENT="+kind+"\n") {
				t.Errorf("the journal gets no field of the event: %q", got)
			}
		}
	}
}
