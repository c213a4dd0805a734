// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// peek returns what stands in a state that is not to be believed, as far as it
// can be read.
func (s *stateStore) peek() *agentState {
	state := new(agentState)
	data, err := readBounded(s.path(stateFile), maxState)
	_, body, _ := bytes.Cut(data, []byte("\n"))
	if err != nil || json.Unmarshal(body, state) != nil || state.Floor > latestTime {
		return new(agentState)
	}
	return state
}

// foundKey is a key and where it stands.
type foundKey struct {
	stateKey
	file string // stateKeyFile, or the same with newSuffix; empty for nowhere yet
}

// read returns the state and the key by which it was found right.
func (s *stateStore) read() (*agentState, *foundKey, error) {
	data, err := readBounded(s.path(stateFile), maxState)
	if errors.Is(err, fs.ErrNotExist) {
		return s.readNothing()
	}
	if err != nil {
		return nil, nil, err
	}
	var refusal error
	for _, name := range []string{stateKeyFile, stateKeyFile + newSuffix} {
		key, err := s.readKey(name)
		if err == nil {
			var state *agentState
			if state, err = decodeState(data, &key); err == nil {
				return state, &foundKey{key, name}, nil
			}
		}
		if isPathError(err) && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		// What the key in use says of it counts: the other is hardly ever there.
		if refusal == nil {
			refusal = err
		}
	}
	if errors.Is(refusal, fs.ErrNotExist) {
		refusal = errors.New("its key " + stateKeyFile + " is missing")
	}
	return nil, nil, &stateError{s.path(stateFile), refusal}
}

// readNothing is read where there is no state: nothing was ever remembered, if
// there is no key either.
func (s *stateStore) readNothing() (*agentState, *foundKey, error) {
	_, err := os.Lstat(s.path(stateKeyFile))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return new(agentState), &foundKey{stateKey: newStateKey()}, nil
	case err != nil:
		return nil, nil, err
	}
	return nil, nil, &stateError{s.path(stateFile), errors.New("it is missing, and its key is there: it was removed")}
}

func (s *stateStore) readKey(name string) (stateKey, error) {
	text, err := readBounded(s.path(name), maxKeyFile)
	if err != nil {
		return stateKey{}, err
	}
	key, err := parseStateKey(text)
	if err != nil {
		err = fmt.Errorf("its key %s: %w", name, err)
	}
	return key, err
}

// write makes a state durable. At every moment the files on the disk are the old
// state and its key, or the new ones: a new key waits beside the old one until
// the state that it is for is there.
func (s *stateStore) write(state *agentState, key *foundKey) error {
	text, err := state.encode(&key.stateKey)
	if err != nil {
		return &stateError{s.path(stateFile), err}
	}
	waiting := stateKeyFile + newSuffix
	if key.file == "" {
		if err := s.writeNew(waiting, key.encode()); err != nil {
			return err
		}
		key.file = waiting
	}
	if err := s.writeNew(stateFile+newSuffix, text); err != nil {
		return err
	}
	if err := s.rename(stateFile); err != nil {
		return err
	}
	if key.file == waiting {
		key.file = stateKeyFile
		return s.rename(stateKeyFile)
	}
	return nil
}

// writeNew writes a file that another one's place is for. Under the lock nobody
// else uses the name, so that what a crash has left is in nobody's way.
func (s *stateStore) writeNew(name string, data []byte) error {
	if err := ignoreMissing(os.Remove(s.path(name))); err != nil {
		return err
	}
	f, err := sysfile.OpenPrivate(s.path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(s.path(name)))
	}
	return s.stepped(durable.SyncFolder(s.dir))
}

func (s *stateStore) rename(name string) error {
	err := sysfile.Rename(s.path(name+newSuffix), s.path(name))
	return s.stepped(errors.Join(err, durable.SyncFolder(s.dir)))
}

func (s *stateStore) stepped(err error) error {
	if s.step != nil && err == nil {
		s.step()
	}
	return err
}

// readBounded reads a file that has at most so many bytes.
func readBounded(name string, most int64) ([]byte, error) {
	data, err := readAtMost(name, most)
	if err == nil && int64(len(data)) > most {
		return nil, &stateError{name, fmt.Errorf("it has more than %d bytes", most)}
	}
	return data, err
}
