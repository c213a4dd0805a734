// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/rig"
)

var (
	tortureTime = flag.Duration("torture.time", 5*time.Second, "how long the torture test reads as each user")
	tortureSeed = flag.Uint64("torture.seed", 0, "choice of the torture test's reads; 0 takes one from the clock")
)

// tortureMemory is the most memory that the daemon may have resident. Many readers
// that wait make it larger than one that copies a model does, and so do the
// buffers that it has for each processor.
var tortureMemory = int64(240+16*runtime.NumCPU()) << 20

// TestTorture reads a mount in every way at once from many threads of several
// processes, while root empties the kernel's caches again and again, and
// compares with plain reads.
func TestTorture(t *testing.T) {
	seed := *tortureSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -torture.seed=%d -torture.time=%v", seed, *tortureTime)
	asEach(t, func(t *testing.T, u *rig.User) {
		plain := sample(t)
		m := mount(t, u, samplePackage(t, u))
		stop := dropCachesRepeatedly(t)
		results := make([]rig.Result, tortureProcesses)
		var wait sync.WaitGroup
		for i := range results {
			wait.Go(func() {
				results[i] = rig.Collect(childCommand(u, "torture", plain.dir, m.Dir,
					strconv.FormatUint(seed+uint64(i), 10), tortureTime.String()))
			})
		}
		wait.Wait()
		drops := stop()
		sum := tortureReport{Done: make(map[string]int)}
		for _, r := range results {
			sum.add(t, r)
		}
		peak := must(rig.StatusBytes(m.PID, "VmHWM"))(t)
		t.Logf("%v; %d bytes compared; caches emptied %d times; the daemon's peak: %d MiB resident",
			sum.Done, sum.Bytes, drops, peak>>20)
		for _, p := range sum.Problems {
			t.Error(p)
		}
		for _, kind := range tortureKinds {
			if sum.Done[kind.name] == 0 {
				t.Errorf("no read of kind %s was made", kind.name)
			}
		}
		if peak > tortureMemory {
			t.Errorf("the daemon took %d MiB of memory, want at most %d", peak>>20, tortureMemory>>20)
		}
		unmount(t, m)
	})
}

// dropCachesRepeatedly starts what the returned function ends. That returns how
// often the caches were emptied.
func dropCachesRepeatedly(t *testing.T) (stop func() int) {
	t.Helper()
	if os.Getuid() != 0 {
		return func() int { return 0 }
	}
	quit, done := make(chan struct{}), make(chan error, 1)
	times := 0
	go func() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				done <- nil
				return
			case <-tick.C:
				if err := rig.DropCaches(); err != nil {
					done <- err
					return
				}
				times++
			}
		}
	}()
	return func() int {
		close(quit)
		if err := <-done; err != nil {
			t.Error(err)
		}
		return times
	}
}

// tortureReport is what the role "torture" prints.
type tortureReport struct {
	Done     map[string]int // reads by their kind
	Bytes    int64          // compared
	Problems []string       // the first few
}

// add adds what one process has printed.
func (r *tortureReport) add(t *testing.T, result rig.Result) {
	t.Helper()
	var one tortureReport
	decode(t, result, &one)
	for kind, n := range one.Done {
		r.Done[kind] += n
	}
	r.Bytes += one.Bytes
	r.Problems = append(r.Problems, one.Problems...)
}
