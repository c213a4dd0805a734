// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Names inside the home folder. A name that ends in .new is of a file that is
// about to take the place of another.
const (
	stateFile     = "state.json"
	stateKeyFile  = "state.key"
	stateLockFile = "state.lock"
	newSuffix     = ".new"

	maxKeyFile = 4096 // bytes of a key and the words around it
)

// A stateError says that what this agent remembered is lost or not what it wrote.
type stateError struct {
	file string
	err  error
}

func (e *stateError) Error() string {
	return fmt.Sprintf("what this agent remembers cannot be believed: %s: %v", e.file, e.err)
}
func (e *stateError) Unwrap() error { return e.err }

// stateStore is where the state lies. Any number of processes may use it.
type stateStore struct {
	dir string
	// step is called between the steps of a change, where a crash may come; nil
	// but in tests.
	step func()
}

// openStateStore returns the store in the home folder. It makes nothing.
func openStateStore() (*stateStore, error) {
	dir, err := home()
	return &stateStore{dir: dir}, err
}

func (s *stateStore) path(name string) string { return filepath.Join(s.dir, name) }

// load returns the state. One that was never written is empty. A *stateError
// says that it was lost or changed.
func (s *stateStore) load() (*agentState, error) {
	state, err := s.loadOnce()
	if errors.As(err, new(*stateError)) {
		// Before the first change there is no lock to wait for. Perhaps this came
		// in the middle of that change.
		state, err = s.loadOnce()
	}
	return state, err
}

func (s *stateStore) loadOnce() (*agentState, error) {
	unlock, err := s.lock(false)
	if err != nil {
		return nil, err
	}
	defer unlock()
	state, _, err := s.read()
	return state, err
}

// update changes the state, alone among all processes. Where change leaves it as
// it is, nothing is written.
func (s *stateStore) update(change func(*agentState) error) error {
	unlock, err := s.lock(true)
	if err != nil {
		return err
	}
	defer unlock()
	state, key, err := s.read()
	if err != nil {
		return err
	}
	before, err := state.encode(&key.stateKey)
	if err != nil {
		return err
	}
	if err := change(state); err != nil {
		return err
	}
	if after, err := state.encode(&key.stateKey); err != nil || string(after) == string(before) {
		return err
	}
	return s.write(state, key)
}

// replace puts a state in place of whatever is there, under a new key. It is told
// the old one, and whether that can be believed.
func (s *stateStore) replace(by func(old *agentState, believed bool) (*agentState, error)) error {
	unlock, err := s.lock(true)
	if err != nil {
		return err
	}
	defer unlock()
	old, key, err := s.read()
	if err != nil {
		old = s.peek()
	} else if key.file == stateKeyFile+newSuffix {
		// A crash has left the present state's key waiting, where the next one will.
		if err := s.rename(stateKeyFile); err != nil {
			return err
		}
	}
	state, err := by(old, err == nil)
	if err != nil {
		return err
	}
	return s.write(state, &foundKey{stateKey: newStateKey()})
}
