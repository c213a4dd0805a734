// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
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
	name, data, err := readHome(trustFile)
	if err != nil {
		return nil, err
	}
	if data == nil {
		return &trustStore{Keys: []trustEntry{}}, nil
	}
	s, err := parseTrustStore(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// parseTrustStore reads the file's text, which people may edit. It refuses
// whatever could mean less to the program than to its author.
func parseTrustStore(data []byte) (*trustStore, error) {
	if err := checkStrictJSON(data, "keys", "key", "role", "packages", "comment"); err != nil {
		return nil, err
	}
	s := new(trustStore)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, err
	}
	if s.Keys == nil {
		s.Keys = []trustEntry{}
	}
	_, err := s.keys()
	return s, err
}

// encode returns the file's text.
func (s *trustStore) encode() ([]byte, error) {
	data, err := json.MarshalIndent(s, "", "  ")
	return append(data, '\n'), err
}

// save replaces the file as a whole, so that a crash leaves the old or the new.
func (s *trustStore) save() error {
	dir, err := makeHome()
	if err != nil {
		return err
	}
	data, err := s.encode()
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, trustFile), data, 0o600)
}

// keys returns the entries as the core takes them.
func (s *trustStore) keys() ([]container.TrustedKey, error) {
	var all []container.TrustedKey
	for i, e := range s.Keys {
		key, err := tgspcrypto.ParseAuthorPublicKey(e.Key)
		if err != nil {
			return nil, err
		}
		role, err := container.ParseRole(e.Role)
		if err != nil {
			return nil, err
		}
		if key.String() != e.Key {
			return nil, errors.New("a key has spaces around it")
		}
		if slices.ContainsFunc(s.Keys[:i], func(o trustEntry) bool { return o.Key == e.Key && o.Role == e.Role }) {
			return nil, fmt.Errorf("the key %s stands there twice as %s", e.Key, e.Role)
		}
		if e.Packages != nil && len(e.Packages) == 0 {
			return nil, fmt.Errorf("an empty list of packages for the key %s: leave it out to trust the key for all", e.Key)
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
