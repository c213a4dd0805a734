// SPDX-License-Identifier: Apache-2.0

//go:build unix

package audit

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/journal"
)

// listen begins a syslog of the test's own.
func listen(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	b := make([]byte, 1<<16)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestSyslog(t *testing.T) {
	dir, err := os.MkdirTemp("", "") // the name of a test is too long for a socket's
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "log")
	if _, err := openSyslog("unixgram", path); !errors.Is(err, ErrNoSyslog) {
		t.Errorf("without one: %v", err)
	}
	conn := listen(t, path)
	s, err := openSyslog("unixgram", path)
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(Syslog, s, Options{})
	const authpriv, warning, notice = 10 << 3, 4, 5
	for kind, priority := range map[Kind]int{Opened: authpriv | notice, Refused: authpriv | warning} {
		l.Record(Event{Event: kind, PackageID: "a/b"})
		header, line, _ := strings.Cut(receive(t, conn), ": ")
		if !strings.HasPrefix(header, fmt.Sprintf("<%d>", priority)) || !strings.HasSuffix(header, fmt.Sprintf(" tgsp[%d]", os.Getpid())) {
			t.Errorf("%s has the header %q", kind, header)
		}
		if fields := parse(t, []string{line})[0]; fields["event"] != string(kind) || fields["package_id"] != "a/b" {
			t.Errorf("%s: %v", kind, fields)
		}
	}
	// A syslog that was started again.
	if err := errors.Join(conn.Close(), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	conn = listen(t, path)
	defer conn.Close()
	if err := l.Commit(Event{Event: Unmounted}); err != nil {
		t.Error(err)
	}
	if got := receive(t, conn); !strings.Contains(got, `"event":"unmounted"`) {
		t.Errorf("got %q", got)
	}
	closeWell(t, l)
}

func TestJournal(t *testing.T) {
	type message struct {
		text     string
		priority journal.Priority
		fields   map[string]string
	}
	var sent []message
	refuse := errors.New("refused")
	s := &journalSink{func(text string, priority journal.Priority, fields map[string]string) error {
		sent = append(sent, message{text, priority, fields})
		if len(sent) == 3 {
			return refuse
		}
		return nil
	}}
	l := newLog(Journal, s, Options{})
	l.Record(Event{Event: Opened, PackageID: "a/b", Version: "1.0.0", Author: "c0", Agent: "a0"})
	l.Record(Event{Event: Refused, Kind: "fleet", Fleet: "f0"})
	l.Record(Event{Event: Failed})
	if err := l.Close(); !errors.Is(err, refuse) {
		t.Errorf("close: %v", err)
	}
	want := []message{
		{`"event":"opened"`, journal.PriNotice, map[string]string{"SYSLOG_IDENTIFIER": "tgsp", "TGSP_EVENT": "opened", "TGSP_PACKAGE_ID": "a/b", "TGSP_VERSION": "1.0.0", "TGSP_AUTHOR": "c0", "TGSP_AGENT": "a0"}},
		{`"event":"refused"`, journal.PriWarning, map[string]string{"SYSLOG_IDENTIFIER": "tgsp", "TGSP_EVENT": "refused", "TGSP_KIND": "fleet", "TGSP_FLEET": "f0"}},
		{`"event":"failed"`, journal.PriWarning, map[string]string{"SYSLOG_IDENTIFIER": "tgsp", "TGSP_EVENT": "failed"}},
		{`"lost":1`, journal.PriWarning, map[string]string{"SYSLOG_IDENTIFIER": "tgsp", "TGSP_EVENT": "lost"}},
	}
	if len(sent) != len(want) {
		t.Fatalf("%d messages, want %d", len(sent), len(want))
	}
	for i, got := range sent {
		if !strings.Contains(got.text, want[i].text) || got.priority != want[i].priority || fmt.Sprint(got.fields) != fmt.Sprint(want[i].fields) {
			t.Errorf("message %d: %v", i, got)
		}
		parse(t, []string{got.text + "\n"})
	}
}
