// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// nextToNothing is what a daemon reads beside the package: requests, and what the
// kernel has dropped meanwhile.
const nextToNothing = 2 << 20

// TestPreload mounts with --preload. Then programs find everything in memory, and
// the process that serves has nothing to read for them; nor for a file that
// tgsp preload has read, after the rest was dropped.
func TestPreload(t *testing.T) {
	needRoot(t) // to see what another user's process has read
	asEach(t, func(t *testing.T, u *rig.User) {
		plain := sample(t)
		m := must(u.Mount(samplePackage(t, u), subfolder(t, u, folder(t, u), "mnt"), "--preload"))(t)
		t.Cleanup(m.Kill)
		read := func() int64 { return must(rig.ProcessIO(m.PID))(t).BytesRead }
		first := read()
		if first < plain.bytes || first > plain.bytes*102/100+nextToNothing {
			t.Errorf("the daemon has read %d bytes for a package of %d", first, plain.bytes)
		}
		wantEqual(t, compare(t, u, plain.dir, m.Dir, 0), plain.files)
		if more := read() - first; more > nextToNothing {
			t.Errorf("it has read %d bytes more, for what was in memory", more)
		}
		dropCaches(t)
		const one = "pytorch_model.bin"
		size := must(os.Stat(filepath.Join(plain.dir, one)))(t).Size()
		before := read()
		if r := u.Run("preload", m.Dir, one); r.Code != 0 {
			t.Fatal(r)
		}
		if n := read() - before; n < size || n > size*102/100+nextToNothing {
			t.Errorf("it has read %d bytes for a file of %d", n, size)
		}
		var p probed
		before = read()
		for off := int64(0); off < size; off += 1 << 20 {
			child(t, u, &p, "probe", filepath.Join(m.Dir, one), strconv.FormatInt(off, 10))
		}
		if more := read() - before; more > nextToNothing {
			t.Errorf("it has read %d bytes more, for a file that was in memory", more)
		}
		unmount(t, m)
	})
}

// TestPreloadOfAlteredPackage changes a byte of the payload. Mounting with
// --preload fails then, in the background and in the foreground, and leaves nothing.
func TestPreloadOfAlteredPackage(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	pkg := copyPackage(t, u, dir)
	flip(t, pkg, must(os.Stat(pkg))(t).Size()*3/5)
	at := subfolder(t, u, dir, "mnt")
	for _, flags := range [][]string{{"--preload"}, {"-o", "preload"}, {"-f", "--preload"}, {"-f", "--preload=."}} {
		r := u.Run(append([]string{"mount", pkg, at}, flags...)...)
		refused(t, r, 13, "preloading", "input/output error", "payload", "tgsp verify")
		if mounts := must(rig.Mounts(at))(t); len(mounts) > 0 {
			t.Errorf("%v: still mounted: %v", flags, mounts)
		}
	}
	if r := u.Run("mount", pkg, at, "--preload=config.json", "-o", "preload=tokenizer.json"); r.Code != 0 {
		t.Fatalf("other files: %s", r)
	}
	refused(t, u.Run("preload", at), 13, "preloading", "input/output error", "payload")
	var status struct {
		Mounts []struct {
			Damaged []struct {
				Code          int
				File, Message string
			}
		}
	}
	r := u.Run("status", "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &status); err != nil || len(status.Mounts) != 1 || len(status.Mounts[0].Damaged) != 1 {
		t.Fatalf("%v: %s", err, r)
	}
	damaged := status.Mounts[0].Damaged[0]
	if damaged.Code != 13 || !strings.Contains(damaged.Message, strconv.Quote(damaged.File)) {
		t.Errorf("%+v", damaged)
	}
	if r := u.Run("status"); !strings.Contains(r.Stdout, "damaged     "+damaged.File+": ") {
		t.Error(r)
	}
	if r := u.Run("umount", at); r.Code != 0 {
		t.Error(r)
	}
}
