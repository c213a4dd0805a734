// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tensorguard/tgsp/integration/rig"
)

// guestSteps are what an emulated machine does, in this order. What is right is for
// the test to judge, which has made the packages.
var guestSteps = []struct {
	name string
	take func(u *rig.User) (any, error)
}{
	{"machine", describeGuest},
	{"doctor", func(u *rig.User) (any, error) { return guestRun(u, "doctor", "--json") }},
	{"read", readMounted},
	{"altered", readAltered},
	{"expiry", readUntilExpiry},
	{"extract", extractInGuest},
	{"verbs", runVerbs},
	{"memory", readLarge},
	{"left", leftInGuest},
	{"tests", testInGuest},
}

// guestRan is what came of a command.
type guestRan struct {
	Code           int
	Stdout, Stderr string
}

func guestRun(u *rig.User, args ...string) (guestRan, error) {
	r := rig.Collect(u.Command(args...))
	return guestRan{r.Code, r.Stdout, r.Stderr}, nil
}

// guestChild runs a role in a process of its own: what faults or hangs is that one.
func guestChild(u *rig.User, v any, role string, args ...string) error {
	r := rig.Collect(childCommand(u, role, args...))
	if r.Code != 0 {
		return fmt.Errorf("%s", r)
	}
	return json.Unmarshal([]byte(r.Stdout), v)
}

// onDisk is where something lies on the machine's disk.
func onDisk(name string) string { return filepath.Join(guestDisk, name) }

// mountInGuest mounts a package of the disk in a fresh folder.
func mountInGuest(u *rig.User, name string, flags ...string) (*rig.Mount, error) {
	dir, err := os.MkdirTemp("", "mnt-")
	if err != nil {
		return nil, err
	}
	return u.Mount(onDisk(name), dir, flags...)
}

// digestsOf are SHA-256 digests in hexadecimal digits, by path.
type digestsOf map[string]string

// readMounted reads all files in each of the ways.
func readMounted(u *rig.User) (any, error) {
	found := map[string]digestsOf{}
	m, err := mountInGuest(u, "model.tgsp")
	if err != nil {
		return nil, err
	}
	for _, kind := range tortureKinds {
		if err := rig.DropCaches(); err != nil {
			return nil, err
		}
		var digests digestsOf
		if err := guestChild(u, &digests, "digests", kind.name, m.Dir); err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		found[kind.name] = digests
	}
	return found, m.Unmount()
}

// guestAltered is what a package with one wrong byte gives.
type guestAltered struct {
	Refused map[string][]int64 // offsets at which a file cannot be read, in steps of a leaf
	Probed  probed             // the first of them
	Digests digestsOf          // of the others
	Verify  guestRan
}

func readAltered(u *rig.User) (any, error) {
	m, err := mountInGuest(u, "altered.tgsp")
	if err != nil {
		return nil, err
	}
	a := guestAltered{Refused: map[string][]int64{}, Digests: digestsOf{}}
	files, err := filesUnder(m.Dir)
	if err != nil {
		return nil, err
	}
	for name, size := range files {
		path := filepath.Join(m.Dir, name)
		var offsets []int64
		if err := guestChild(u, &offsets, "failing", path, fmt.Sprint(size), fmt.Sprint(leafPlain)); err != nil {
			return nil, err
		}
		if len(offsets) == 0 {
			if a.Digests[name], err = digestBy(pread, path, size); err != nil {
				return nil, err
			}
			continue
		}
		a.Refused[name] = offsets
		if err := guestChild(u, &a.Probed, "probe", path, fmt.Sprint(offsets[0])); err != nil {
			return nil, err
		}
	}
	if err := m.Unmount(); err != nil {
		return nil, err
	}
	a.Verify, err = guestRun(u, "verify", onDisk("altered.tgsp"))
	return a, err
}

func extractInGuest(u *rig.User) (any, error) {
	dir := onDisk("extracted")
	if r, _ := guestRun(u, "extract", onDisk("model.tgsp"), dir); r.Code != 0 {
		return nil, fmt.Errorf("extract: %+v", r)
	}
	return digestTree(pread, dir)
}

// runVerbs packs on this machine, and looks at packages of both.
func runVerbs(u *rig.User) (any, error) {
	ran := map[string]guestRan{}
	for _, args := range [][]string{
		{"verify", onDisk("model.tgsp")},
		{"inspect", "--json", onDisk("model.tgsp")},
		{"ls", onDisk("model.tgsp")},
		{"cat", onDisk("model.tgsp"), "config.json"},
		{"pack", onDisk("model"), "-o", onDisk("packed.tgsp"), "--test-seed", onDisk("seed")},
		{"verify", "--at", "now", onDisk("packed.tgsp")},
	} {
		name := strings.Join([]string{args[0], filepath.Base(args[len(args)-1])}, " ")
		ran[name], _ = guestRun(u, args...)
	}
	return ran, nil
}

// guestUnits are tests of other packages that take a kernel of the architecture,
// because they mount or start themselves as other processes, with what is asked of
// them. busybox cannot do all that GNU's programs can.
var guestUnits = map[string][]string{
	"container": {"-test.run=AgainstChanges$"},
	"mount":     {"-test.skip=^TestMountShowsAnyFS$"},
}

// testInGuest runs those that are there.
func testInGuest(u *rig.User) (any, error) {
	ran := map[string]guestRan{}
	if r := rig.Collect(u.Exec("/bin/busybox", "--install", "-s", "/bin")); r.Code != 0 {
		return nil, fmt.Errorf("%s", r)
	}
	tests, err := os.ReadDir(guestTests)
	if err != nil {
		return nil, err
	}
	for _, test := range tests {
		args := append(guestUnits[test.Name()], "-test.short", "-test.v")
		r := rig.Collect(u.Exec(filepath.Join(guestTests, test.Name()), args...))
		ran[test.Name()] = guestRan{r.Code, r.Stdout, r.Stderr}
	}
	return ran, nil
}

// leftInGuest lists what is there when all mounts have ended.
func leftInGuest(u *rig.User) (any, error) {
	left, err := rig.Mounts("/")
	if err != nil {
		return nil, err
	}
	pids, err := rig.Processes(u.Bin)
	if err != nil {
		return nil, err
	}
	for _, pid := range pids {
		left = append(left, fmt.Sprint("process ", pid))
	}
	names, err := filepath.Glob(filepath.Join(u.Home(), "run", "*"))
	return append(left, names...), err
}
