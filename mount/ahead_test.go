// SPDX-License-Identifier: Apache-2.0

//go:build linux && !fuse3

package mount

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestStreamIsDecryptedAhead reads a file in sequence in several ways. Every byte
// must be right, and hardly one be read twice.
func TestStreamIsDecryptedAhead(t *testing.T) {
	for _, way := range []string{"until", "map", "threads"} {
		fsys := newStreamedFS()
		s := serve(t, fsys, Options{ReadAhead: asUser})
		tell := startStreamReader(t, s.Dir()+"/f")
		got := tell(way)
		want := fsys.sum()
		if way == "until" {
			want = fmt.Sprint(streamedSize, " 0")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", way, got, want)
		}
		fsys.mu.Lock()
		calls, bytes, largest := fsys.calls, fsys.bytes, fsys.largest
		fsys.mu.Unlock()
		t.Logf("%s: %d reads of %.1f MiB in all for %d MiB, of at most %d KiB", way, calls, float64(bytes)/(1<<20), streamedSize>>20, largest>>10)
		most, limit := 3*streamedSize>>20, int64(streamedSize*17/16)
		if way == "threads" { // each begins in the middle of a job of the one before, and may come before the next
			most, limit = 2*most, streamedSize*3/2
		}
		if calls > most || bytes > limit {
			t.Errorf("%s: %d reads of %d bytes in all", way, calls, bytes)
		}
		// What was stored is right too, also where nobody has read it before.
		if sum := tell("map"); sum != fsys.sum() {
			t.Errorf("%s: cached %s, want %s", way, sum, fsys.sum())
		}
	}
}

// TestManyStreams reads a file by many programs at once, from several places.
func TestManyStreams(t *testing.T) {
	fsys := newStreamedFS()
	s := serve(t, fsys, Options{ReadAhead: asUser})
	out := mustShell(t, s.Dir(), `cd "$DIR"
for i in 1 2 3 4 5 6; do
	(dd if=f bs=64k skip=$((i * 31)) 2>/dev/null | sha256sum) &
	(cat f | sha256sum) &
done
wait`)
	want := map[string]bool{fsys.sum(): true}
	for i := 1; i <= 6; i++ {
		want[fmt.Sprintf("%x", sha256.Sum256(fsys.data[i*31*64<<10:]))] = true
	}
	sums := strings.Fields(strings.ReplaceAll(out, "-", ""))
	if len(sums) != 12 {
		t.Errorf("%d sums:\n%s", len(sums), out)
	}
	for _, sum := range sums {
		if !want[sum] {
			t.Errorf("wrong bytes: %s", sum)
		}
	}
	fsys.mu.Lock()
	defer fsys.mu.Unlock()
	if fsys.bytes > streamedSize*5/4 {
		t.Errorf("%d bytes were read for %d", fsys.bytes, streamedSize)
	}
}

// TestRandomReadsCauseNoJob reads here and there, also with O_DIRECT.
func TestRandomReadsCauseNoJob(t *testing.T) {
	fsys := newStreamedFS()
	s := serve(t, fsys, Options{ReadAhead: asUser})
	mustShell(t, s.Dir(), `for i in 5000 200 3400 1000 4100 17 2600 900 5500 3000 700 4600; do
	dd if="$DIR/f" bs=4k skip=$i count=1 of=/dev/null 2>/dev/null
	dd if="$DIR/f" bs=4k skip=$i count=1 iflag=direct of=/dev/null 2>/dev/null
done`)
	time.Sleep(50 * time.Millisecond)
	fsys.mu.Lock()
	defer fsys.mu.Unlock()
	if fsys.largest > request {
		t.Errorf("%d bytes were read at once", fsys.largest)
	}
}

// TestDamageBehindStream has a file that cannot be read from some place on.
func TestDamageBehindStream(t *testing.T) {
	fsys := newStreamedFS()
	fsys.bad = 9<<20 + 300<<10
	var log syncBuffer
	failed := make(chan int64, 100)
	s := serve(t, fsys, Options{
		ReadAhead: asUser, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		OnReadError: func(_ string, off int64, _ error) { failed <- off },
	})
	tell := startStreamReader(t, s.Dir()+"/f")
	var n, errno int64
	if _, err := fmt.Sscan(tell("until"), &n, &errno); err != nil {
		t.Fatal(err)
	}
	if n > fsys.bad || n < fsys.bad-request || errno != 5 {
		t.Errorf("%d bytes could be read, then error %d; the damage is at %d", n, errno, fsys.bad)
	}
	want := fmt.Sprintf("%x", sha256.Sum256(fsys.data[:n]))
	if sum := mustShell(t, s.Dir(), fmt.Sprintf(`head -c %d "$DIR/f" | sha256sum`, n)); !strings.HasPrefix(sum, want) {
		t.Errorf("before the damage: %s, want %s", sum, want)
	}
	if got := strings.Count(log.String(), "read refused"); got != 1 {
		t.Errorf("logged %d times:\n%s", got, log.String())
	}
	// Only what was asked for is reported.
	for range len(failed) {
		if off := <-failed; off < fsys.bad-request || off > fsys.bad+2*request {
			t.Errorf("a read at %d was reported", off)
		}
	}
}

// TestRevokeStream takes a mount away while it is decrypted ahead.
func TestRevokeStream(t *testing.T) {
	for round := range 8 {
		var g gate
		fsys := newStreamedFS()
		fsys.each = func(int64) { time.Sleep(4 * time.Millisecond) }
		s := serve(t, fsys, Options{ReadAhead: asUser, Allow: g.allow})
		tell := startStreamReader(t, s.Dir()+"/f")
		cmd := exec.Command("/bin/cat", s.Dir()+"/f")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			fsys.mu.Lock()
			calls := fsys.calls
			fsys.mu.Unlock()
			if calls > 6+round {
				break
			}
		}
		if tell("resident") == "0" {
			t.Error("nothing is cached before")
		}
		g.shut.Store(true)
		if left := s.Revoke(); left != 0 {
			t.Errorf("%d are left", left)
		}
		if n := tell("resident"); n != "0" {
			t.Errorf("%s pages are cached", n)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the reader has read everything: too late")
		}
		time.Sleep(20 * time.Millisecond)
		if n := tell("resident"); n != "0" {
			t.Errorf("%s pages were cached late", n)
		}
		a := s.tree.ahead.Load()
		a.mu.Lock()
		if len(a.buffers.free)+len(a.buffers.pages) > 0 || a.buffers.made > 0 {
			t.Errorf("buffers are left: %d, %d, %d", len(a.buffers.free), len(a.buffers.pages), a.buffers.made)
		}
		a.mu.Unlock()
	}
}

// TestLateStoreTakesItselfBack closes a mount between the question and the end of
// a store.
func TestLateStoreTakesItselfBack(t *testing.T) {
	for _, late := range []bool{false, true} {
		var g gate
		var asked atomic.Int32
		var storing atomic.Bool
		fsys := newStreamedFS()
		s := serve(t, fsys, Options{ReadAhead: asUser, Allow: func() error {
			if storing.Load() && asked.Add(1) == 2 && late {
				g.shut.Store(true)
			}
			return g.allow()
		}})
		tell := startStreamReader(t, s.Dir()+"/f")
		tell("resident") // so it has opened the file
		node := s.link.(*goFUSE).root.Children()["f"].Operations().(*fileNode)
		j := &job{item: node.item, handle: &openFile{cache: node}, off: 0, end: 1 << 20, data: fsys.data[:1<<20]}
		storing.Store(true)
		const length = 256 << 10
		if stored := s.tree.ahead.Load().push(j, 0, length); stored == late {
			t.Errorf("stored is %t", stored)
		}
		storing.Store(false)
		want := length / os.Getpagesize()
		if late {
			want = 0
		}
		if n := tell("resident"); n != strconv.Itoa(want) {
			t.Errorf("%s pages are cached, want %d", n, want)
		}
		// And none begins any more.
		s.tree.ahead.Load().stop()
		if s.tree.ahead.Load().push(j, 256<<10, 512<<10) {
			t.Error("stored after the end")
		}
	}
}

// TestUnmountEndsJobs ends a mount in the middle of a stream. Files that jobs read
// are not closed before they have ended.
func TestUnmountEndsJobs(t *testing.T) {
	before := runtime.NumGoroutine()
	var read []*streamedFS
	for range 5 {
		fsys := newStreamedFS()
		fsys.each = func(int64) { time.Sleep(2 * time.Millisecond) }
		s, err := Mount(t.TempDir(), fsys, Options{ReadAhead: asUser})
		if err != nil {
			t.Fatal(err)
		}
		mustShell(t, s.Dir(), `head -c 4000000 "$DIR/f" > /dev/null`)
		if lazy, err := s.Unmount(context.Background()); lazy || err != nil {
			t.Errorf("lazy is %t, %v", lazy, err)
		}
		s.Wait()
		read = append(read, fsys)
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
	for _, fsys := range read {
		fsys.mu.Lock()
		if fsys.useAfter { // some stay open: a mount that ends takes the kernel's word of it along
			t.Error("a file was read after it was closed")
		}
		fsys.mu.Unlock()
	}
}

// TestHangingStorageHoldsNoOthers lets one job hang. Requests for other parts go on.
func TestHangingStorageHoldsNoOthers(t *testing.T) {
	fsys := newStreamedFS()
	release := make(chan struct{})
	fsys.each = func(off int64) {
		if off >= 8<<20 && off < 9<<20 {
			<-release
		}
	}
	s := serve(t, fsys, Options{ReadAhead: asUser})
	cmd := exec.Command("/bin/cat", s.Dir()+"/f")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	mustShell(t, s.Dir(), `head -c 7000000 "$DIR/f" > /dev/null; tail -c 7000000 "$DIR/f" > /dev/null`)
	close(release)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestRaisedReadAheadNeedsNoJobs mounts as root, whose requests are large.
func TestRaisedReadAheadNeedsNoJobs(t *testing.T) {
	s := serve(t, newStreamedFS(), Options{})
	if cached, raised := s.tree.ahead.Load().cached, s.raiseReadAhead(); cached == raised {
		t.Errorf("raised is %t, and jobs for the page cache are %t", raised, cached)
	}
}

// TestRevokeStreamWithHangingStorage takes a mount away while a job hangs, a request
// waits for it, and others are stored. As root, who can abort the connection, nothing
// stays.
func TestRevokeStreamWithHangingStorage(t *testing.T) {
	var g gate
	fsys := newStreamedFS()
	release := make(chan struct{})
	fsys.each = func(off int64) {
		if off >= 8<<20 && off < 9<<20 {
			<-release
		}
	}
	s := serve(t, fsys, Options{ReadAhead: asUser, Allow: g.allow})
	tell := startStreamReader(t, s.Dir()+"/f")
	cmd := exec.Command("/bin/cat", s.Dir()+"/f")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); tell("resident") == "0"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is cached before")
		}
	}
	g.shut.Store(true)
	start := time.Now()
	left := s.Revoke()
	t.Logf("%d left after %s", left, time.Since(start))
	if os.Geteuid() == 0 && (left != 0 || tell("resident") != "0") {
		t.Errorf("%d are left, and %s pages are cached", left, tell("resident"))
	}
	close(release)
	if err := cmd.Wait(); err == nil {
		t.Error("everything was read")
	}
	time.Sleep(20 * time.Millisecond)
	if n := tell("resident"); n != "0" {
		t.Errorf("%s pages were cached late", n)
	}
}
