// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestStateCutOff looks at the files as a crash would leave them after each step
// of the first change, of a later one and of a reset: they are the old state or
// the new one, and the next change goes on from there.
func TestStateCutOff(t *testing.T) {
	for _, c := range []struct {
		name  string
		begin func() *stateStore
		do    func(s *stateStore) error
		floor []uint64 // that may be found
	}{
		{"first", func() *stateStore { return &stateStore{dir: t.TempDir()} }, func(s *stateStore) error {
			return s.update(func(state *agentState) error { state.Floor = 7; return nil })
		}, []uint64{0, 7}},
		{"later", func() *stateStore { return newTestStore(t) }, func(s *stateStore) error {
			return s.update(func(state *agentState) error { state.Floor = 7; return nil })
		}, []uint64{testState().Floor, 7}},
		{"reset", func() *stateStore { return newTestStore(t) }, func(s *stateStore) error {
			return s.replace(func(*agentState, bool) (*agentState, error) { return &agentState{Floor: 7}, nil })
		}, []uint64{testState().Floor, 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := c.begin()
			var left []*stateStore
			store.step = func() { left = append(left, snapshot(t, store)) }
			noError(t, c.do(store))
			if len(left) < 2 {
				t.Fatalf("%d steps", len(left))
			}
			found := map[uint64]bool{}
			for i, s := range left {
				state, err := s.load()
				if err != nil {
					t.Fatalf("after step %d: %v", i, err)
				}
				found[state.Floor] = true
				if !slices.Contains(c.floor, state.Floor) {
					t.Errorf("after step %d: floor %d", i, state.Floor)
				}
				s.goesOn(t)
			}
			if len(found) != 2 {
				t.Errorf("found %v: no step changes anything", found)
			}
		})
	}
}

// goesOn changes and resets what a crash has left, and crashes there again.
func (s *stateStore) goesOn(t *testing.T) {
	t.Helper()
	var left []*stateStore
	s.step = func() { left = append(left, snapshot(t, s)) }
	noError(t, s.replace(func(*agentState, bool) (*agentState, error) { return &agentState{Floor: 8}, nil }))
	noError(t, s.update(func(state *agentState) error { state.Floor++; return nil }))
	for i, again := range append(left, s) {
		if _, err := again.load(); err != nil {
			t.Errorf("after step %d of the next change: %v", i, err)
		}
	}
	names, err := filepath.Glob(s.path("*" + newSuffix))
	if state, loadErr := s.load(); err != nil || loadErr != nil || state.Floor != 9 || len(names) > 0 {
		t.Errorf("%+v, left %v, %v, %v", state, names, err, loadErr)
	}
}

func snapshot(t *testing.T, s *stateStore) *stateStore {
	t.Helper()
	dir := t.TempDir()
	noError(t, os.CopyFS(dir, os.DirFS(s.dir)))
	return &stateStore{dir: dir}
}
