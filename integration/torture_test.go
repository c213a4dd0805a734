// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"flag"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/rig"
)

var (
	tortureOps  = flag.Int("torture.ops", 6000, "reads that each torture test makes")
	tortureSeed = flag.Uint64("torture.seed", 0, "choice of the torture test's reads; 0 takes one from the clock")
)

// TestTorture reads a mount in every way at once from many threads, while root
// empties the kernel's caches again and again, and compares with plain reads.
func TestTorture(t *testing.T) {
	seed := *tortureSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -torture.seed=%d -torture.ops=%d", seed, *tortureOps)
	asEach(t, func(t *testing.T, u *rig.User) {
		plain := sample(t)
		m := mount(t, u, samplePackage(t, u))
		stop := dropCachesRepeatedly(t)
		r := rig.Collect(childCommand(u, "torture", plain.dir, m.Dir,
			strconv.FormatUint(seed, 10), strconv.Itoa(*tortureOps)))
		stop()
		var report tortureReport
		decode(t, r, &report)
		t.Logf("%v in %v", report.Done, r.Wall.Round(time.Millisecond))
		for _, p := range report.Problems {
			t.Error(p)
		}
		for _, kind := range tortureKinds {
			if report.Done[kind.name] == 0 {
				t.Errorf("no read of kind %s was made", kind.name)
			}
		}
		unmount(t, m)
	})
}

// dropCachesRepeatedly starts what the returned function ends.
func dropCachesRepeatedly(t *testing.T) (stop func()) {
	t.Helper()
	if os.Getuid() != 0 {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan error, 1)
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
			}
		}
	}()
	return func() {
		close(quit)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// tortureReport is what the role "torture" prints.
type tortureReport struct {
	Done     map[string]int // reads by their kind
	Problems []string       // the first few
}

func (r tortureReport) String() string {
	b, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
