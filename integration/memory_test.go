// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// Limits on resident memory. They are far below the models' sizes: what counts
// is that memory does not grow with the model.
const (
	packMemory   = 128 << 20
	daemonMemory = 96 << 20
)

func TestPackNeedsConstantMemory(t *testing.T) {
	u := caller(t)
	for _, size := range []int64{128 << 20, 512 << 20} {
		dir := sparseModel(t, size)
		if err := rig.ForgetPeak(); err != nil {
			t.Fatal(err)
		}
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
		allowed := limitLockedMemory(t, unix.RLIM_INFINITY)
		m := mount(t, u, samplePackage(t, u))
		if soft, hard := coreLimit(t, m.PID); soft != "0" || hard != "0" {
			t.Errorf("core dumps are limited to %s and %s, want 0", soft, hard)
		}
		if locked := must(rig.StatusBytes(m.PID, "VmLck"))(t); (locked > 0) != (allowed || mayLock(t, m.PID)) {
			t.Errorf("%d bytes of memory are locked; without a limit: %t", locked, allowed)
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

// TestMountUnderLimitOfLockedMemory uses the limit that systems give to users:
// locking some memory and then running into it would end the daemon.
func TestMountUnderLimitOfLockedMemory(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		limitLockedMemory(t, 8<<20)
		plain := sample(t)
		m := mount(t, u, samplePackage(t, u))
		wantEqual(t, compare(t, u, plain.dir, m.Dir, 0), plain.files)
		unmount(t, m)
	})
}

// limitLockedMemory sets the limit of this process, and so of its children,
// until the test ends, and reports whether it may: raising it takes a capability.
func limitLockedMemory(t *testing.T, limit uint64) bool {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil {
		t.Fatal(err)
	}
	err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: limit, Max: max(limit, old.Max)})
	if errors.Is(err, unix.EPERM) && limit > old.Max {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil {
			t.Error(err)
		}
	})
	return true
}

// mayLock reports whether a process may lock memory whatever the limit.
func mayLock(t *testing.T, pid int) bool {
	t.Helper()
	set, err := strconv.ParseUint(must(rig.StatusField(pid, "CapEff"))(t), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return set&(1<<unix.CAP_IPC_LOCK) != 0
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
