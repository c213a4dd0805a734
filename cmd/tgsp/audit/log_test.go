// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// memory is a sink that keeps lines, and hangs or fails where a test says so.
type memory struct {
	mu      sync.Mutex
	lines   []string
	flushed int           // lines that were there at the last flush
	fail    []error       // of the next writes; nil for one that succeeds
	entered chan struct{} // told of every write, where it is not nil
	hang    chan struct{} // writes wait until it is closed, where it is not nil
}

func (m *memory) write(line []byte, _ *Event) error {
	if m.entered != nil {
		m.entered <- struct{}{}
	}
	if m.hang != nil {
		<-m.hang
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fail) > 0 {
		err := m.fail[0]
		if m.fail = m.fail[1:]; err != nil {
			return err
		}
	}
	m.lines = append(m.lines, string(line))
	return nil
}

func (m *memory) flush() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flushed = len(m.lines)
	return nil
}

func (m *memory) close() error { return nil }

// hanging returns a log whose first event is on its way into a sink that hangs.
func hanging(t *testing.T, o Options) (*Log, *memory) {
	t.Helper()
	m := &memory{entered: make(chan struct{}, 4*queueLength), hang: make(chan struct{})}
	l := newLog("memory", m, o)
	l.Record(Event{Event: Opened, Package: "first"})
	<-m.entered
	return l, m
}

// parse returns the fields of each line, all of which must be JSON objects.
func parse(t *testing.T, lines []string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, line := range lines {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || !strings.HasSuffix(line, "}\n") || strings.Count(line, "\n") != 1 {
			t.Fatalf("%q is not one line of JSON: %v", line, err)
		}
		all = append(all, fields)
	}
	return all
}

func closeWell(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestLine(t *testing.T) {
	m := new(memory)
	l := newLog("memory", m, Options{})
	no, place := false, int64(0)
	l.Record(Event{
		Time: time.Date(2027, 1, 31, 19, 0, 0, 1, time.FixedZone("", 3600)), Event: Refused, Verb: "cat", Package: "/p.tgsp", PackageID: "a/b",
		Version: "1.0.0", ContentHash: "c0", ManifestHash: "d0", Author: "e0", Trusted: &no, Fleet: "f0", Epoch: 7, Agent: "a0",
		Mountpoint: "/m", File: "x", Offset: &place, Code: 13, Kind: "altered", Reason: "bad",
	})
	closeWell(t, l)
	const want = `{"time":"2027-01-31T18:00:00.000000001Z","event":"refused","verb":"cat","package":"/p.tgsp","package_id":"a/b",` +
		`"version":"1.0.0","content_hash":"c0","manifest_hash":"d0","author":"e0","trusted":false,"fleet":"f0","epoch":7,"agent":"a0",` +
		`"mountpoint":"/m","file":"x","offset":0,"code":13,"kind":"altered","reason":"bad","pid":`
	if !strings.HasPrefix(m.lines[0], want) {
		t.Errorf("got  %swant %s…", m.lines[0], want)
	}
	fields := parse(t, m.lines)[0]
	names := []string{"pid", "user", "host"}
	if runtime.GOOS != "windows" { // whose users have no numbers
		names = append(names, "uid")
	}
	for _, name := range names {
		if fields[name] == nil {
			t.Errorf("no %s: %v", name, fields)
		}
	}
}

func TestEmptyFieldsAreLeftOut(t *testing.T) {
	m := new(memory)
	l := newLog("memory", m, Options{})
	before := time.Now()
	l.Record(Event{Event: Opened})
	closeWell(t, l)
	fields := parse(t, m.lines)[0]
	for _, name := range []string{"time", "event", "pid", "uid", "user", "host"} {
		delete(fields, name)
	}
	if len(fields) > 0 {
		t.Errorf("fields of nothing: %v", fields)
	}
	var line struct{ Time time.Time }
	if err := json.Unmarshal([]byte(m.lines[0]), &line); err != nil || line.Time.Before(before.Truncate(0)) || line.Time.After(time.Now()) {
		t.Errorf("time %v, %v", line.Time, err)
	}
}

// Events of one goroutine stay in order, and no line mixes with another.
func TestConcurrentWriters(t *testing.T) {
	const writers, each = 8, 100 // all fit into the queue
	m := new(memory)
	l := newLog("memory", m, Options{})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l.Record(Event{Event: Opened, Package: fmt.Sprint(w), Epoch: uint64(i + 1)})
			}
		})
	}
	wg.Wait()
	closeWell(t, l)
	next := map[any]float64{}
	for _, fields := range parse(t, m.lines) {
		w := fields["package"]
		if next[w]++; fields["epoch"] != next[w] {
			t.Fatalf("writer %v: event %v, want %v", w, fields["epoch"], next[w])
		}
	}
	if len(m.lines) != writers*each || l.queued != 0 {
		t.Errorf("%d lines, want %d; %d are still to be written", len(m.lines), writers*each, l.queued)
	}
}

func TestRecordNeverWaits(t *testing.T) {
	const more = 5
	l, m := hanging(t, Options{})
	for range queueLength + more {
		l.Record(Event{Event: Altered}) // hangs the test where it waits
	}
	close(m.hang)
	l.Record(Event{Event: Unmounted}) // may or may not find room yet
	var loss *LossError
	if err := l.Close(); !errors.As(err, &loss) || loss.Lost < more || loss.Lost > more+1 || !errors.Is(err, errFull) {
		t.Errorf("got %v, want a loss of %d or one more", err, more)
	}
	lost := uint64(0)
	lines := parse(t, m.lines)
	for _, fields := range lines {
		if n, ok := fields["lost"].(float64); ok {
			lost += uint64(n)
		}
	}
	if lost != loss.Lost || lines[0]["lost"] != nil || lines[1]["lost"] != float64(more) && lines[1]["lost"] != float64(more+1) {
		t.Errorf("the lines tell of %d, the second of %v, want %d", lost, lines[1]["lost"], loss.Lost)
	}
}

func TestWriteErrorsAreCounted(t *testing.T) {
	full, later := errors.New("no space left"), errors.New("later")
	m := &memory{fail: []error{nil, full, later, later}}
	told := make(chan error, 10)
	l := newLog("memory", m, Options{Failed: func(err error) { told <- err }})
	for range 5 {
		l.Record(Event{Event: Opened})
	}
	err := l.Close()
	if loss := new(LossError); !errors.As(err, &loss) || loss.Lost != 3 || !errors.Is(err, full) {
		t.Errorf("got %v, want a loss of 3", err)
	}
	if lines := parse(t, m.lines); len(lines) != 2 || lines[1]["lost"] != float64(3) {
		t.Errorf("lines %v, want a second one that tells of 3 lost", lines)
	}
	if err := <-told; !errors.Is(err, full) || !errors.As(err, new(*WriteError)) {
		t.Errorf("told %v", err)
	}
	if len(told) > 0 {
		t.Errorf("told again: %v", <-told)
	}
}

// Where no event comes after a loss, a line of its own tells of it.
func TestLossAtTheEnd(t *testing.T) {
	m := &memory{fail: []error{errors.New("no space left")}}
	l := newLog("memory", m, Options{})
	l.Record(Event{Event: Opened})
	if loss := new(LossError); !errors.As(l.Close(), &loss) || loss.Lost != 1 {
		t.Errorf("got %v, want a loss of 1", loss)
	}
	if lines := parse(t, m.lines); len(lines) != 1 || lines[0]["event"] != "lost" || lines[0]["lost"] != float64(1) {
		t.Errorf("lines %v", lines)
	}
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	l, m := hanging(t, Options{})
	defer close(m.hang)
	l.patience = 10 * time.Millisecond
	l.Record(Event{Event: Unmounted})
	err := l.Close()
	if loss := new(LossError); !errors.As(err, &loss) || loss.Lost != 2 || !errors.Is(err, errSilent) {
		t.Errorf("got %v, want a loss of 2", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestCommit(t *testing.T) {
	full := errors.New("no space left")
	m := &memory{fail: []error{nil, full}}
	l := newLog("memory", m, Options{})
	if err := l.Commit(Event{Event: Opened}); err != nil || len(m.lines) != 1 || m.flushed != 1 {
		t.Errorf("%v, %d lines, %d of them flushed", err, len(m.lines), m.flushed)
	}
	if err := l.Commit(Event{Event: Opened}); !errors.Is(err, full) || !errors.As(err, new(*WriteError)) {
		t.Errorf("full: %v", err)
	}
	if err := l.Close(); !errors.Is(err, full) {
		t.Errorf("close: %v", err)
	}
	if err := l.Commit(Event{Event: Opened}); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestCommitDoesNotWaitForEver(t *testing.T) {
	l, m := hanging(t, Options{})
	defer close(m.hang)
	l.patience = 10 * time.Millisecond
	if err := l.Commit(Event{Event: Opened}); !errors.Is(err, errSilent) {
		t.Errorf("got %v", err)
	}
	if err := l.Close(); !errors.As(err, new(*LossError)) {
		t.Errorf("close: %v", err)
	}
}

func TestNoLog(t *testing.T) {
	var l *Log
	l.Record(Event{Event: Opened})
	if err := errors.Join(l.Commit(Event{Event: Opened}), l.Close()); err != nil {
		t.Error(err)
	}
}

func TestNamesFromElsewhere(t *testing.T) {
	m := new(memory)
	hide := func(line string) string { return strings.ReplaceAll(line, "tgsp-secret-x", "(hidden)") }
	l := newLog("memory", m, Options{Hide: hide})
	names := []string{"a\nb", "\x1b[2J", "\u009b2J", "\u202eevil", "\xff\xfe", "\U000e0001", `"quoted\"`, "<&>", "ümläut 模型", "tgsp-secret-x"}
	for _, name := range names {
		l.Record(Event{Event: Refused, Package: name})
	}
	closeWell(t, l)
	for i, fields := range parse(t, m.lines) {
		want := strings.ToValidUTF8(names[i], "\ufffd")
		if i == 4 {
			want = "\ufffd\ufffd" // one for each byte
		}
		if names[i] == "tgsp-secret-x" {
			want = "(hidden)"
		}
		if fields["package"] != want {
			t.Errorf("%q became %q", names[i], fields["package"])
		}
		if strings.ContainsAny(m.lines[i], "\x1b\u009b\u202e\U000e0001") {
			t.Errorf("a terminal would obey %q", m.lines[i])
		}
	}
}
