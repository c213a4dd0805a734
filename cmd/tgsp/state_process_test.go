// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os/exec"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
)

func recorder(t *testing.T, dir, name, count string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("tgsp-record", dir, name, count)
	if cmd.Err != nil {
		t.Fatal(cmd.Err)
	}
	return cmd
}

// TestStateOfManyProcesses has 16 processes record at once, in a home that does
// not exist yet: nothing gets lost, and the largest wins.
func TestStateOfManyProcesses(t *testing.T) {
	dir := t.TempDir() + "/home"
	names := "abcdefghijklmnop"
	var all []*exec.Cmd
	for i := range names {
		cmd := recorder(t, dir, names[i:i+1], "25")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	state, err := (&stateStore{dir: dir}).load()
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		if epoch, _ := state.FleetSeen(container.FleetID{0: names[i]}); epoch != 25 {
			t.Errorf("%c: epoch %d", names[i], epoch)
		}
	}
	if epoch, _ := state.FleetSeen(container.FleetID{}); epoch != 25 || state.Floor != 2e9+60*25 {
		t.Errorf("epoch %d, floor %d", epoch, state.Floor)
	}
}

// TestStateOfKilledProcesses kills processes while they record: the state is
// always one that they have recorded, and later than the one before.
func TestStateOfKilledProcesses(t *testing.T) {
	dir := t.TempDir()
	store := &stateStore{dir: dir}
	last := uint64(0)
	for round := range 30 {
		cmd := recorder(t, dir, "a", "1000000000")
		before := store.changed()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for store.changed().Equal(before) {
			time.Sleep(time.Millisecond) // until it records
		}
		time.Sleep(time.Duration(round) * time.Millisecond / 2)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // it was killed
		state, err := store.load()
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		epoch, _ := state.FleetSeen(container.FleetID{0: 'a'})
		if all, _ := state.FleetSeen(container.FleetID{}); epoch != all || epoch <= last || epoch > 0 && state.Floor != 2e9+60*epoch {
			t.Fatalf("round %d: epoch %d and %d after %d, floor %d", round, epoch, all, last, state.Floor)
		}
		last = epoch
	}
}
