// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// guestLead is how long before its end a package is mounted. Emulated processors are
// slow: starting tgsp once takes them a second.
const guestLead = 10 * time.Second

// guestExpiry is what a mount gave that was closed by its policy.
type guestExpiry struct {
	End    int64                 // not_after, Unix seconds
	Loads  map[string]loadReport // by the way of reading
	Opened string                // what opening a file said afterwards, in a folder held open
	Again  guestRan              // mounting it once more
}

// readUntilExpiry lets a mount reach its not_after while programs read it.
func readUntilExpiry(u *rig.User) (any, error) {
	pkg := "expiring.tgsp"
	end := time.Now().Add(guestLead).Truncate(time.Second)
	if r, _ := guestRun(u, "renew", onDisk(pkg), "--not-after", end.UTC().Format(time.RFC3339)); r.Code != 0 {
		return nil, fmt.Errorf("renew: %+v", r)
	}
	m, err := mountInGuest(u, pkg)
	if err != nil {
		return nil, err
	}
	held, err := unix.Open(m.Dir, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	x := guestExpiry{End: end.Unix(), Loads: map[string]loadReport{}}
	kinds := []string{loadPread, loadMapped, loadDirect}
	results := make([]rig.Result, len(kinds))
	done := make(chan struct{})
	for i, kind := range kinds {
		cmd := childCommand(u, "load", kind, filepath.Join(m.Dir, "model.gguf"))
		cmd.Stdin = strings.NewReader("\n")
		go func() {
			results[i] = rig.Collect(cmd)
			done <- struct{}{}
		}()
	}
	for range kinds {
		<-done
	}
	for i, kind := range kinds {
		r := results[i]
		_, report, _ := strings.Cut(r.Stdout, "{")
		var l loadReport
		if err := json.Unmarshal([]byte("{"+report), &l); err != nil {
			return nil, fmt.Errorf("%w: %s", err, r)
		}
		x.Loads[kind] = l
	}
	x.Opened = openIn(held, "config.json")
	if err := errors.Join(unix.Close(held), m.Gone()); err != nil {
		return nil, err
	}
	x.Again, err = guestRun(u, "mount", onDisk(pkg), m.Dir)
	return x, err
}

// openIn opens a file in a folder, and says why that failed.
func openIn(folder int, name string) string {
	fd, err := unix.Openat(folder, name, unix.O_RDONLY, 0)
	if err != nil {
		var errno syscall.Errno
		errors.As(err, &errno)
		return unix.ErrnoName(errno)
	}
	return errors.Join(errors.New("opened"), unix.Close(fd)).Error()
}

// guestMemory is what a daemon took to serve a large file, in bytes.
type guestMemory struct {
	Read wholeRead
	Peak int64
}

// readLarge reads a package of many times the daemon's memory.
func readLarge(u *rig.User) (any, error) {
	m, err := mountInGuest(u, "large.tgsp", "--memory-limit="+leastMemory)
	if err != nil {
		return nil, err
	}
	var read []wholeRead
	if err := guestChild(u, &read, "whole", filepath.Join(m.Dir, "weights.bin")); err != nil {
		return nil, err
	}
	peak, err := rig.StatusBytes(m.PID, "VmHWM")
	if err != nil {
		return nil, err
	}
	return guestMemory{read[0], peak}, m.Unmount()
}
