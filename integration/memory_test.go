// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Limits on resident memory. They are far below the models' sizes: what counts
// is that memory does not grow with the model.
const (
	packMemory   = 128 << 20
	daemonMemory = 192 << 20
)

func TestPackNeedsConstantMemory(t *testing.T) {
	u := caller(t)
	for _, size := range []int64{128 << 20, 512 << 20} {
		dir := sparseModel(t, size)
		r := u.Run("pack", dir, "-o", filepath.Join(folder(t, u), "big.tgsp"))
		if r.Code != 0 {
			t.Fatal(r)
		}
		t.Logf("pack of %d MiB: %d MiB resident", size>>20, r.MaxRSS>>20)
		if r.MaxRSS > packMemory {
			t.Errorf("pack of %d MiB took %d MiB of memory, want at most %d", size>>20, r.MaxRSS>>20, packMemory>>20)
		}
	}
}

func TestDaemonMemory(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		plain := sample(t)
		m := mount(t, u, samplePackage(t, u))
		dropCaches(t)
		wantEqual(t, compare(t, u, plain.dir, m.Dir, 0), plain.files)
		peak := must(rig.StatusBytes(m.PID, "VmHWM"))(t)
		t.Logf("daemon after reading %d MiB: peak of %d MiB resident", plain.bytes>>20, peak>>20)
		if peak > daemonMemory {
			t.Errorf("the daemon took %d MiB of memory, want at most %d", peak>>20, daemonMemory>>20)
		}
		unmount(t, m)
	})
}

// TestDaemonHidesItsMemory looks at what keeps keys out of core dumps, other
// processes and the swap.
func TestDaemonHidesItsMemory(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		if soft, hard := coreLimit(t, m.PID); soft != "0" || hard != "0" {
			t.Errorf("core dumps are limited to %s and %s, want 0", soft, hard)
		}
		if locked := must(rig.StatusBytes(m.PID, "VmLck"))(t); locked == 0 {
			t.Error("no memory is locked")
		}
		if u.Cred != nil {
			// The files of a process that may not be dumped belong to root, whoever runs it.
			if uid := owner(t, filepath.Join("/proc", strconv.Itoa(m.PID), "mem")); uid != 0 {
				t.Errorf("the daemon may be dumped: its memory belongs to uid %d", uid)
			}
		}
		unmount(t, m)
	})
}

// coreLimit reads "Max core file size" of /proc/PID/limits.
func coreLimit(t *testing.T, pid int) (soft, hard string) {
	t.Helper()
	for _, line := range readLines(t, filepath.Join("/proc", strconv.Itoa(pid), "limits")) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			f := strings.Fields(rest)
			return f[0], f[1]
		}
	}
	t.Fatal("no core limit")
	return "", ""
}
