// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tensorguard/tgsp/container"
)

const (
	stateFormat = 1
	// stateMagic begins the first line of the file, which ends in the MAC of all
	// that follows.
	stateMagic = "tgsp-state 1 "
	// maxState bounds the file: room for some 80,000 packages.
	maxState = 16 << 20
	// latestTime is the last second of the year 9999.
	latestTime = 253402300799
)

// stateKey is the secret by which changes of the state are noticed.
type stateKey [32]byte

func newStateKey() (key stateKey) {
	rand.Read(key[:])
	return key
}

// stateKeyPrefix makes the line one that no message ever shows.
const stateKeyPrefix = "tgsp-secret-state:"

func (k *stateKey) encode() []byte {
	return []byte("# By this key tgsp notices changes of state.json. Nobody else needs it.\n" + stateKeyPrefix + hex.EncodeToString(k[:]) + "\n")
}

// parseStateKey takes only what encode writes.
func parseStateKey(data []byte) (key stateKey, err error) {
	_, line, _ := strings.Cut(string(data), stateKeyPrefix)
	b, err := hex.DecodeString(strings.TrimSuffix(line, "\n"))
	copy(key[:], b)
	if err != nil || !bytes.Equal(key.encode(), data) {
		return key, errors.New("it holds no key")
	}
	return key, nil
}

// mac authenticates a state's text.
func (k *stateKey) mac(body []byte) string {
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte(stateMagic))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// encode returns the file's text: a line with the MAC, then JSON.
func (s *agentState) encode(key *stateKey) ([]byte, error) {
	s.Format = stateFormat
	body, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	text := append([]byte(stateMagic+key.mac(body)+"\n"), body...)
	if len(text) > maxState {
		return nil, fmt.Errorf("it would have %d bytes, and at most %d are read: see tgsp doctor --help", len(text), maxState)
	}
	return text, nil
}

// errStateMAC says that a state's text is not what was written with a key.
var errStateMAC = errors.New("its MAC is wrong: it was changed or damaged")

// decodeState reads a file's text. Nothing in it is looked at before the MAC is
// found right, and then only the one form is taken that encode writes.
func decodeState(data []byte, key *stateKey) (*agentState, error) {
	line, body, _ := bytes.Cut(data, []byte("\n"))
	if !hmac.Equal(line, []byte(stateMagic+key.mac(body))) {
		return nil, errStateMAC
	}
	s := new(agentState)
	if err := json.Unmarshal(body, s); err != nil {
		return nil, err
	}
	if s.Format != stateFormat {
		return nil, fmt.Errorf("it has format %d, and this program knows format %d: use the later tgsp that wrote it", s.Format, stateFormat)
	}
	if again, err := s.encode(key); err != nil || !bytes.Equal(again, data) {
		return nil, errors.New("it is not in the form in which tgsp writes it")
	}
	return s, s.validate()
}

func (s *agentState) validate() error {
	if s.Floor > latestTime {
		return errors.New("a floor after the year 9999")
	}
	for name, p := range s.Packages {
		author, id, _ := strings.Cut(name, "/")
		err := errors.Join(container.CheckPackageID(id), container.CheckVersion(p.Version))
		if err != nil || !isID(author) || p.CreatedAt > latestTime || p.Generation == 0 {
			return fmt.Errorf("a package that cannot be: %q", name)
		}
	}
	for id := range s.Fleets {
		if !isID(id) {
			return fmt.Errorf("a fleet that cannot be: %q", id)
		}
	}
	return nil
}
