// SPDX-License-Identifier: Apache-2.0

//go:build linux

package mount

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"
)

// watchIdle ends a mount when it is idle, and tells when it did.
func watchIdle(t *testing.T, s *Server, after time.Duration) <-chan error {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.UnmountIdle(context.Background(), after) }()
	return ended
}

func stillMounted(t *testing.T, s *Server, ended <-chan error, what string) {
	t.Helper()
	select {
	case err := <-ended:
		t.Fatalf("%s: it was unmounted, %v", what, err)
	case <-time.After(600 * time.Millisecond):
	}
	if mounted, err := isMounted(s.Dir()); err != nil || !mounted {
		t.Errorf("%s: mounted is %t, %v", what, mounted, err)
	}
}

// TestIdleMountEnds uses a mount in all ways that keep it, longer than it may be idle.
// The programs are children: a test that holds files of its own mount may hang.
func TestIdleMountEnds(t *testing.T) {
	const after = 200 * time.Millisecond
	for what, program := range map[string]string{
		"an open file":     `exec 3<"$DIR/config.json"; echo; exec cat >/dev/null`,
		"a working folder": `cd "$DIR/sub"; echo; exec cat >/dev/null`,
		"a list, often":    `echo; while ls "$DIR" >/dev/null; do sleep 0.05; done`,
		"a read, often":    `echo; while cat "$DIR/config.json" >/dev/null; do sleep 0.05; done`,
	} {
		s := serve(t, sampleFS(), Options{})
		cmd := exec.Command("sh", "-c", program)
		cmd.Env = append(os.Environ(), "DIR="+s.Dir())
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		ended := watchIdle(t, s, after)
		stillMounted(t, s, ended, what)
		in.Close()
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         // however it ended
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s: it stays mounted when nothing uses it", what)
		}
		if s.Wait(); !s.EndedIdle() {
			t.Errorf("%s: it does not know why it has ended", what)
		}
	}
}

func TestIdleWatchEndsWithItsContext(t *testing.T) {
	s := serve(t, sampleFS(), Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.UnmountIdle(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	mustShell(t, s.Dir(), `ls "$DIR"`)
}

// TestReadsAreTold compares what the hooks hear with what a program has read.
func TestReadsAreTold(t *testing.T) {
	for what, options := range map[string]Options{"by the kernel": {}, "ahead": {ReadAhead: asUser}} {
		var bytes, calls, slow, stored atomic.Int64
		options.OnRead = func(n int, took time.Duration) {
			bytes.Add(int64(n))
			calls.Add(1)
			if took <= 0 || took > time.Minute {
				slow.Add(1)
			}
		}
		options.OnStore = func(n int) { stored.Add(int64(n)) }
		s := serve(t, newStreamedFS(), options)
		// Where it pauses, jobs are ahead of it: on busy processors it could be ahead of all.
		mustShell(t, s.Dir(), `(head -c 4000000; sleep 0.2; cat) <"$DIR/f" >/dev/null`)
		for range 1000 {
			if what != "ahead" || !reachesCache || stored.Load() > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if calls.Load() == 0 || slow.Load() > 0 || bytes.Load()+stored.Load() < streamedSize {
			t.Errorf("%s: %d reads of %d bytes, %d stored, %d of odd times", what, calls.Load(), bytes.Load(), stored.Load(), slow.Load())
		}
		if (what == "ahead" && reachesCache) != (stored.Load() > 0) {
			t.Errorf("%s: %d bytes stored", what, stored.Load())
		}
	}
}
