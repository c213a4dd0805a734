// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

var testTime = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)

// testState knows something of everything.
func testState() *agentState {
	s := new(agentState)
	s.raiseFloor(testTime)
	s.Packages = map[string]seenPackage{
		strings.Repeat("0a", 32) + "/acme/model": {"1.2.3-rc.1+b", 1767225600, 7},
		strings.Repeat("f1", 32) + "/acme/model": {"1.0.0", 0, 1<<64 - 1},
	}
	s.RecordFleet(container.FleetID{1}, 3, 4)
	return s
}

func newTestStore(t testing.TB) *stateStore {
	t.Helper()
	s := &stateStore{dir: t.TempDir()}
	noError(t, s.update(func(state *agentState) error {
		*state = *testState()
		return nil
	}))
	return s
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFloorOnlyRises(t *testing.T) {
	s := new(agentState)
	if !s.floor().IsZero() {
		t.Error("a state that knows nothing has a floor")
	}
	for _, c := range []struct{ now, want time.Time }{
		{testTime, testTime},
		{testTime.Add(floorStep - time.Second), testTime}, // not worth a write
		{testTime.Add(-time.Hour), testTime},
		{testTime.Add(floorStep), testTime.Add(floorStep)},
		{time.Unix(5, 0), testTime.Add(floorStep)},
	} {
		if s.raiseFloor(c.now); !s.floor().Equal(c.want) {
			t.Errorf("%s makes it %s, want %s", c.now, s.floor(), c.want)
		}
	}
}

func TestFleetsOnlyGoOn(t *testing.T) {
	s := new(agentState)
	a, b := container.FleetID{1}, container.FleetID{2}
	for _, c := range []struct{ epoch, serial, wantEpoch, wantSerial uint64 }{
		{0, 0, 0, 0}, {1, 5, 1, 5}, {1, 4, 1, 5}, {1, 6, 1, 6}, {2, 1, 2, 1}, {1, 9, 2, 1},
	} {
		s.RecordFleet(a, c.epoch, c.serial)
		if e, n := s.FleetSeen(a); e != c.wantEpoch || n != c.wantSerial {
			t.Errorf("%d.%d makes it %d.%d", c.epoch, c.serial, e, n)
		}
	}
	if e, n := s.FleetSeen(b); e != 0 || n != 0 {
		t.Errorf("another fleet is at %d.%d", e, n)
	}
}

func TestStateComesBack(t *testing.T) {
	store := newTestStore(t)
	got, err := store.load()
	noError(t, err)
	want := testState()
	if got.Floor != want.Floor || !maps.Equal(got.Packages, want.Packages) || !maps.Equal(got.Fleets, want.Fleets) {
		t.Errorf("%+v, want %+v", got, want)
	}
	entries, err := os.ReadDir(store.dir)
	noError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if shared, err := sysfile.Shared(store.path(e.Name())); err != nil || shared {
			t.Errorf("others may use %s: %t, %v", e.Name(), shared, err)
		}
	}
	if !slices.Equal(names, []string{stateFile, stateKeyFile, stateLockFile}) {
		t.Errorf("there are %v", names)
	}
}

// TestStateAtOnce has goroutines record what is less and more in any order.
func TestStateAtOnce(t *testing.T) {
	store := &stateStore{dir: filepath.Join(t.TempDir(), "new", "home")}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 8 {
				err := store.update(func(s *agentState) error {
					s.RecordFleet(container.FleetID{1}, uint64((i*7+j*5)%100), 1)
					s.RecordFleet(container.FleetID{2, byte(i)}, uint64(j), 1)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := store.load(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	state, err := store.load()
	noError(t, err)
	if epoch, _ := state.FleetSeen(container.FleetID{1}); epoch != 99 || len(state.Fleets) != 17 {
		t.Errorf("epoch %d, %d fleets", epoch, len(state.Fleets))
	}
}

func TestStateOfFailingChange(t *testing.T) {
	store := newTestStore(t)
	before, err := os.ReadFile(store.path(stateFile))
	noError(t, err)
	failure := errors.New("no")
	err = store.update(func(s *agentState) error {
		s.Floor = 1
		return failure
	})
	if after, readErr := os.ReadFile(store.path(stateFile)); !errors.Is(err, failure) || readErr != nil || !bytes.Equal(before, after) {
		t.Errorf("%v, and the state was changed", err)
	}
}
