// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestStorageErrors has one bad sector below a file's leaf: that leaf cannot be
// read, all else can, and once the sector is well everything can.
func TestStorageErrors(t *testing.T) {
	u := caller(t)
	s, m, p := onStorage(t, u)
	const bad = 11<<20 + 5
	from := p.at("far.bin", bad)
	s.suffer(t, trouble{Kind: "fail", From: from + 4096, To: from + 4608})
	wantRefused(t, compare(t, u, ground(t).dir, m.Dir, 0), "far.bin")
	var offsets []int64
	child(t, u, &offsets, "failing", filepath.Join(m.Dir, "far.bin"), strconv.FormatInt(groundFiles["far.bin"], 10), "65536")
	if len(offsets) != 1 || offsets[0] != 11<<20 {
		t.Errorf("the leaves at %v cannot be read, want the one at %d", offsets, 11<<20)
	}
	found := refusals(t, m)
	if r := found["far.bin"]; len(found) != 1 || len(r) != 1 || !strings.Contains(r[0], fmt.Sprintf("offset %d", from)) || !strings.Contains(r[0], "input/output error") {
		t.Errorf("the log says %q, want the leaf at %d of the package", found, from)
	}
	s.suffer(t)
	wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
	unmount(t, m)
}

// TestStorageErrorsInTheTree has a bad sector below a tile of the tree, which
// the leaves of 16 MiB need.
func TestStorageErrorsInTheTree(t *testing.T) {
	u := caller(t)
	s, m, p := onStorage(t, u)
	s.suffer(t, trouble{Kind: "fail", From: p.tree, To: p.tree + hashSize})
	wantRefused(t, compare(t, u, ground(t).dir, m.Dir, 0), "config.json", "far.bin", "sub/tokens")
	for file, reasons := range refusals(t, m) {
		if len(reasons) != 1 || !strings.Contains(reasons[0], "input/output error") {
			t.Errorf("%s: the log says %q", file, reasons)
		}
	}
	s.suffer(t)
	wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
	unmount(t, m)
}

// TestShortReads has storage give less than it was asked for, which it may
// anywhere, and end early, which it may not.
func TestShortReads(t *testing.T) {
	u := caller(t)
	pkg := groundPackage(t, u)
	s, p := newStorage(t, u, pkg), findPlaces(t, pkg)
	for _, n := range []int64{4096, 65_000, 1<<20 - 1} {
		s.suffer(t, trouble{Kind: "short", To: p.size, N: n})
		m := mountForeground(t, u, s.pkg)
		wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
		unmount(t, m)
	}
	from := p.at("near.bin", 1<<20)
	s.suffer(t, trouble{Kind: "end", From: from + 10, To: p.size})
	m := mountForeground(t, u, s.pkg)
	wantRefused(t, compare(t, u, ground(t).dir, m.Dir, 0), "near.bin")
	refusals(t, m)
	s.suffer(t)
	wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
	unmount(t, m)
}

// TestHangingStorage lets more reads hang than the daemon has processors,
// buffers and slots in its cache. Nobody else may notice.
func TestHangingStorage(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		s, m, p := onStorage(t, u)
		// Storage is read by whole pages, and those at the edges hold others' bytes too.
		const page = 4096
		from := p.at("far.bin", 0)
		s.suffer(t, trouble{Kind: "hang", From: from + page, To: p.at("near.bin", 0) - page})
		far := childCommand(u, "stuck", filepath.Join(ground(t).dir, "far.bin"), filepath.Join(m.Dir, "far.bin"))
		ended := make(chan rig.Result, 1)
		go func() { ended <- rig.Collect(far) }()
		err := rig.Until("the reads hang", func() (bool, error) { return s.waiting(t) >= stuckReads, nil })
		if err != nil {
			s.suffer(t)
			t.Fatal(err)
		}
		for name, size := range groundFiles {
			if name == "far.bin" {
				continue
			}
			var c comparison
			child(t, u, &c, "same", filepath.Join(ground(t).dir, name), filepath.Join(m.Dir, name))
			if len(c.Problems) > 0 || c.Bytes != size {
				t.Errorf("%s, while reads of another file hang: %d bytes are right, want %d: %v", name, c.Bytes, size, c.Problems)
			}
		}
		if n := s.waiting(t); n < stuckReads {
			t.Errorf("only %d reads hang in the end, want %d", n, stuckReads)
		}
		s.suffer(t)
		var problems []string
		decode(t, <-ended, &problems)
		for _, p := range problems {
			t.Errorf("a read that had to wait: %s", p)
		}
		wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
		unmount(t, m)
	})
}

// TestSlowStorage is right though it takes its time.
func TestSlowStorage(t *testing.T) {
	u := caller(t)
	s, m, p := onStorage(t, u)
	s.suffer(t, trouble{Kind: "slow", To: p.size, N: 60})
	wantEqual(t, compare(t, u, ground(t).dir, m.Dir, 0), len(groundFiles))
	unmount(t, m)
}

// TestKilledStorage ends the file system that the package lies on.
func TestKilledStorage(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		s, m, p := onStorage(t, u)
		s.suffer(t, trouble{Kind: "hang", From: p.at("far.bin", 0), To: p.at("far.bin", 0) + 1})
		read := childCommand(u, "probe", filepath.Join(m.Dir, "far.bin"), "0")
		ended := make(chan rig.Result, 1)
		go func() { ended <- rig.Collect(read) }()
		if err := rig.Until("a read hangs", func() (bool, error) { return s.waiting(t) > 0, nil }); err != nil {
			s.suffer(t)
			t.Fatal(err)
		}
		s.kill(t)
		var hung probed
		decode(t, <-ended, &hung)
		if hung.Pread != syscall.EIO || !hung.Fault {
			t.Errorf("the read that hung ends with %v, and a mapping faults: %t; want %v and true", hung.Pread, hung.Fault, syscall.EIO)
		}
		c := compare(t, u, ground(t).dir, m.Dir, 0)
		wantRefused(t, c, "config.json", "far.bin", "near.bin", "sub/tokens")
		if m.Exited() {
			t.Fatalf("the daemon ended: %s", m.Log())
		}
		for _, reasons := range refusals(t, m) {
			if !strings.Contains(strings.Join(reasons, "\n"), syscall.ENOTCONN.Error()) {
				t.Errorf("the log says %q", reasons)
			}
		}
		unmount(t, m)
	})
}
