// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestStateChangedAnywhere flips every bit of the state and of its key, and cuts
// both everywhere.
func TestStateChangedAnywhere(t *testing.T) {
	store := newTestStore(t)
	for _, name := range []string{stateFile, stateKeyFile} {
		good, err := os.ReadFile(store.path(name))
		noError(t, err)
		refused := func(what string, data []byte) {
			t.Helper()
			noError(t, os.WriteFile(store.path(name), data, 0o600))
			state, err := store.load()
			if !errors.As(err, new(*stateError)) || state != nil {
				t.Errorf("%s, %s: %+v, %v", name, what, state, err)
			}
		}
		for i := range good {
			for bit := range 8 {
				bad := bytes.Clone(good)
				bad[i] ^= 1 << bit
				refused(fmt.Sprintf("bit %d of byte %d", bit, i), bad)
			}
			refused(fmt.Sprintf("cut to %d bytes", i), good[:i])
		}
		refused("a byte more", append(bytes.Clone(good), '\n'))
		noError(t, os.WriteFile(store.path(name), good, 0o600))
		if _, err := store.load(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStateOfAnother exchanges states and keys of two agents, and removes them.
func TestStateOfAnother(t *testing.T) {
	a, b := newTestStore(t), newTestStore(t)
	refused := func(what, text string) {
		t.Helper()
		if _, err := a.load(); !errors.As(err, new(*stateError)) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %q", what, err, text)
		}
		err := a.update(func(s *agentState) error {
			s.Floor++
			return nil
		})
		if !errors.As(err, new(*stateError)) {
			t.Errorf("%s: it is written over: %v", what, err)
		}
	}
	copyFile := func(from, to *stateStore, name string) {
		t.Helper()
		data, err := os.ReadFile(from.path(name))
		noError(t, err)
		noError(t, os.WriteFile(to.path(name), data, 0o600))
	}
	saved := &stateStore{dir: t.TempDir()}
	copyFile(a, saved, stateFile)
	copyFile(a, saved, stateKeyFile)
	copyFile(b, a, stateFile)
	refused("another's state", "its MAC is wrong")
	copyFile(saved, a, stateFile)
	copyFile(b, a, stateKeyFile)
	refused("another's key", "its MAC is wrong")
	noError(t, os.Remove(a.path(stateKeyFile)))
	refused("no key", "its key state.key is missing")
	copyFile(saved, a, stateKeyFile)
	noError(t, os.Remove(a.path(stateFile)))
	refused("no state", "it is missing, and its key is there")
	copyFile(saved, a, stateFile)
	_, err := a.load()
	noError(t, err)
	// Somebody who has the key could still not write what no agent writes.
	_, key, err := a.read()
	noError(t, err)
	for _, body := range []string{
		"", "{}\n", "null\n", "{\"format\": 1}\n", "{\n  \"format\": 2\n}\n", "{\n  \"format\": 1,\n  \"floor\": 1e3\n}\n", "{\n  \"format\": 1,\n  \"floor\": 0\n}\n",
		"{\n  \"format\": 1,\n  \"floor\": 253402300800\n}\n", "{\n  \"format\": 1,\n  \"floor\": 1,\n  \"floor\": 2\n}\n", "{\n  \"format\": 1,\n  \"more\": 1\n}\n",
		"{\n  \"format\": 1,\n  \"fleets\": {\n    \"00\": {\n      \"epoch\": 1,\n      \"serial\": 1\n    }\n  }\n}\n",
		"{\n  \"format\": 1,\n  \"packages\": {\n    \"acme/model\": {\n      \"version\": \"1.0.0\",\n      \"created_at\": 1,\n      \"generation\": 1\n    }\n  }\n}\n",
	} {
		noError(t, os.WriteFile(a.path(stateFile), []byte(stateMagic+key.mac([]byte(body))+"\n"+body), 0o600))
		refused(body, stateFile)
	}
}

func FuzzState(f *testing.F) {
	key := stateKey{1}
	for _, s := range []*agentState{new(agentState), testState()} {
		text, err := s.encode(&key)
		noError(f, err)
		_, body, _ := bytes.Cut(text, []byte("\n"))
		f.Add(body)
	}
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := decodeState(body, &key); err == nil {
			t.Errorf("%q is taken without a MAC", body)
		}
		data := append([]byte(stateMagic+key.mac(body)+"\n"), body...)
		s, err := decodeState(data, &key)
		if err != nil {
			return
		}
		again, err := s.encode(&key)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("%q comes back as %q, %v", data, again, err)
		}
		if _, err := decodeState(data, &stateKey{2}); err == nil {
			t.Error("it is taken by another key")
		}
	})
}

func FuzzStateKey(f *testing.F) {
	f.Add((&stateKey{1}).encode())
	f.Add([]byte(stateKeyPrefix))
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := parseStateKey(data); err == nil && !bytes.Equal(key.encode(), data) {
			t.Errorf("%q comes back as %q", data, key.encode())
		}
	})
}
