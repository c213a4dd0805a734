// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tensorguard/tgsp/integration/rig"
)

// What a machine that is emulated finds: its first process is this program, in the
// role "guest", and its disk holds what the test has put there.
const (
	guestProgram = "/init"
	guestCommand = "/tgsp"
	guestTests   = "/tests" // a folder of other packages' tests
	guestDisk    = "/work"
	guestMark    = "guest: " // begins a line of the console that is for the test
)

// guestResult is what such a line holds.
type guestResult struct {
	Step  string
	Took  time.Duration
	Error string          `json:",omitempty"`
	Value json.RawMessage `json:",omitempty"`
}

// guest is the role "guest". It takes the steps one after the other, says of each what
// came of it, and turns the machine off. Whatever goes wrong before shows as a line
// that is missing: when the first process ends the kernel panics.
func guest([]string) (any, error) {
	if err := prepareGuest(); err != nil {
		return nil, err
	}
	lab.child = guestProgram
	u := &rig.User{Bin: guestCommand, Dir: guestDisk}
	for _, step := range guestSteps {
		r := guestResult{Step: step.name}
		began := time.Now()
		value, err := step.take(u)
		r.Took = time.Since(began).Round(time.Millisecond)
		if err == nil {
			r.Value, err = json.Marshal(value)
		}
		if err != nil {
			r.Error = err.Error()
		}
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		fmt.Printf("%s%s\n", guestMark, line)
	}
	if err := unix.Unmount(guestDisk, 0); err != nil {
		return nil, fmt.Errorf("the disk is busy at the end: %w", err)
	}
	// What the console has taken and not sent yet would be lost (tcdrain).
	if err := unix.IoctlSetInt(int(os.Stdout.Fd()), unix.TCSBRK, 1); err != nil {
		return nil, fmt.Errorf("sending what was written: %w", err)
	}
	return nil, unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}

// prepareGuest does what a system's first program does.
func prepareGuest() error {
	for _, m := range []struct{ source, dir, kind string }{
		{"proc", "/proc", "proc"}, {"sysfs", "/sys", "sysfs"}, {"devtmpfs", "/dev", "devtmpfs"}, {"tmpfs", "/tmp", "tmpfs"},
	} {
		if err := guestMount(m.source, m.dir, m.kind); err != nil {
			return err
		}
	}
	modules, err := filepath.Glob("/modules/*.ko")
	if err != nil {
		return err
	}
	for _, name := range modules { // Glob sorts them
		if err := loadModule(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	err = rig.Until("the disk is there", func() (bool, error) {
		_, err := os.Stat("/dev/vda")
		return err == nil, nil
	})
	if err != nil {
		return err
	}
	return guestMount("/dev/vda", guestDisk, "ext4")
}

func guestMount(source, dir, kind string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(source, dir, kind, 0, ""); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", source, dir, err)
	}
	return nil
}

func loadModule(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.FinitModule(int(f.Fd()), "", 0)
}

// guestMachine is what the step "machine" tells.
type guestMachine struct {
	Machine, Release string
	PageSize         int
	Processors       int
	Memory           uint64
	Time             int64 // Unix seconds
}

func describeGuest(*rig.User) (any, error) {
	var name unix.Utsname
	var info unix.Sysinfo_t
	if err := unix.Uname(&name); err != nil {
		return nil, err
	}
	if err := unix.Sysinfo(&info); err != nil {
		return nil, err
	}
	var now unix.Timeval
	if err := unix.Gettimeofday(&now); err != nil {
		return nil, err
	}
	return guestMachine{
		Machine: unix.ByteSliceToString(name.Machine[:]), Release: unix.ByteSliceToString(name.Release[:]), PageSize: os.Getpagesize(),
		Processors: runtime.NumCPU(), Memory: info.Totalram * uint64(info.Unit), Time: now.Sec,
	}, nil
}
