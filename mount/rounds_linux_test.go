// SPDX-License-Identifier: Apache-2.0

package mount

import (
	"context"
	"flag"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

var rounds = flag.Int("rounds", 50, "how often the test of rounds mounts and unmounts")

// holdings is what this process has of the system.
type holdings struct {
	Descriptors, Goroutines, Mounts int
}

// exceeds reports whether there is more of anything than there was.
func (h holdings) exceeds(was holdings) bool {
	return h.Descriptors > was.Descriptors || h.Goroutines > was.Goroutines || h.Mounts > was.Mounts
}

// held counts; mounts are those at dir.
func held(t *testing.T, dir string) (h holdings) {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return holdings{len(descriptors), runtime.NumGoroutine(), strings.Count(string(table), " "+dir+" ")}
}

// TestRoundsLeaveNothing mounts, reads and unmounts again and again.
func TestRoundsLeaveNothing(t *testing.T) {
	dir, fsys := t.TempDir(), sampleFS()
	round := func() {
		s, err := Mount(dir, fsys, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := mustShell(t, dir, `exec cat "$DIR/sub/deep/leaf"`); got != "leaf" {
			t.Errorf("read %q", got)
		}
		if lazy, err := s.Unmount(context.Background()); lazy || err != nil {
			t.Fatalf("lazy is %t, %v", lazy, err)
		}
		s.Wait()
	}
	round() // makes what a process has once, such as its poller
	before := held(t, dir)
	for range *rounds {
		round()
	}
	after := held(t, dir)
	// What has served the last round may take a moment to end.
	for deadline := time.Now().Add(time.Minute); after.exceeds(before) && time.Now().Before(deadline); after = held(t, dir) {
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%d rounds: %+v before, %+v after", *rounds, before, after)
	if after.exceeds(before) {
		t.Error("something is left")
	}
}
