// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// trustStore is the file of keys that this user trusts.
type trustStore struct {
	Keys []trustEntry `json:"keys"`
}

type trustEntry struct {
	Key      string   `json:"key"` // an author's public line
	Role     string   `json:"role"`
	Packages []string `json:"packages,omitempty"` // none means all
	Comment  string   `json:"comment,omitempty"`
}

// loadTrustStore reads the trust store; one that does not exist is empty.
func loadTrustStore() (*trustStore, error) {
	name, err := inHome(trustFile)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &trustStore{}, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(trustStore)
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if _, err := s.keys(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// save replaces the file as a whole, so that a crash leaves the old or the new.
func (s *trustStore) save() error {
	dir, err := makeHome()
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return writeFileAtomic(filepath.Join(dir, trustFile), append(data, '\n'), 0o600)
}

// keys returns the entries as the core takes them.
func (s *trustStore) keys() ([]container.TrustedKey, error) {
	var all []container.TrustedKey
	for _, e := range s.Keys {
		key, err := tgspcrypto.ParseAuthorPublicKey(e.Key)
		if err != nil {
			return nil, err
		}
		role, err := container.ParseRole(e.Role)
		if err != nil {
			return nil, err
		}
		for _, pattern := range e.Packages {
			if err := container.CheckPattern(pattern); err != nil {
				return nil, err
			}
		}
		all = append(all, container.TrustedKey{Key: key, Role: role, Packages: e.Packages})
	}
	return all, nil
}

// writeFileAtomic writes a file beside its name, syncs it, and renames it.
func writeFileAtomic(name string, data []byte, perm fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
