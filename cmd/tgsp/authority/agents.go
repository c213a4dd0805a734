// SPDX-License-Identifier: Apache-2.0

package authority

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/dcbor"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// Agent is a member of the fleet.
type Agent struct {
	ID       fleet.AgentID
	Key      *tgspcrypto.Recipient
	Name     string // as its request calls it; may be empty, and several may share one
	Enrolled time.Time
}

// agentDoc is an agent as it stands in the database.
type agentDoc struct {
	PublicKey []byte `cbor:"public_key"`
	Name      string `cbor:"name"`
	Enrolled  uint64 `cbor:"enrolled"`
}

// Enroll adds agents in one step, sorted or not. Those that are there already stay
// as they are. It returns how many were added.
func (s *Store) Enroll(agents []Agent) (int, error) {
	added := 0
	sorted := slices.Clone(agents)
	// Neighbours in the database are written together.
	slices.SortFunc(sorted, func(a, b Agent) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	err := s.update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketAgents)
		for _, a := range sorted {
			if a.Key.KEM() != s.meta.KEM {
				return fmt.Errorf("agent %s has a key of kind %s, and fleet %s is of kind %s", a.ID.ShortID(), a.Key.KEM(), s.meta.Name, s.meta.KEM)
			}
			if bucket.Get(a.ID[:]) != nil {
				continue
			}
			doc := agentDoc{a.Key.Bytes(), a.Name, uint64(a.Enrolled.Unix())} //nolint:gosec // after 1970
			if err := bucket.Put(a.ID[:], dcbor.Encode(doc)); err != nil {
				return err
			}
			added++
		}
		s.meta.Agents += uint64(added) //nolint:gosec // counted above
		s.meta.Pending = s.meta.Pending || added > 0
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

// Revoke takes agents out and begins a new epoch, whose secret they do not get.
func (s *Store) Revoke(ids []fleet.AgentID) error {
	return s.update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketAgents)
		for _, id := range ids {
			if bucket.Get(id[:]) == nil {
				continue // named twice
			}
			if err := bucket.Delete(id[:]); err != nil {
				return err
			}
			s.meta.Agents--
		}
		return s.newEpoch(tx)
	})
}

// ErrNoAgent means that no agent of the fleet is called so.
var ErrNoAgent = errors.New("no agent of the fleet")

// minPrefix is how many digits of an agent's id name it.
const minPrefix = 8

// fullID is how many there are.
var fullID = hex.EncodedLen(len(fleet.AgentID{}))

// LooksLikeID reports whether s can be the first digits of an agent's id, so that
// as a name it would be taken for another agent.
func LooksLikeID(s string) bool {
	return len(s) >= minPrefix && len(s) <= fullID && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// Find returns the agents that names mean, each its public line, the first digits,
// eight at least, of its id, or what its request called it. It returns ErrNoAgent
// where there is none. However many names there are, it looks through the fleet
// once.
func (s *Store) Find(whos ...string) ([]*Agent, error) {
	found := make([]*Agent, len(whos))
	byName := map[string][]int{}
	for i, who := range whos {
		var err error
		if key, parseErr := tgspcrypto.ParseRecipient(who); parseErr == nil {
			found[i], err = s.get(fleet.NewAgentID(key), who)
		} else if found[i], err = s.findPrefix(strings.ToLower(who)); who != "" {
			byName[who] = append(byName[who], i) // also where it begins an id
		}
		if err != nil {
			return nil, err
		}
	}
	if len(byName) > 0 {
		if err := s.findNames(byName, found); err != nil {
			return nil, err
		}
	}
	for i, who := range whos {
		if found[i] == nil {
			return nil, s.noAgent(who)
		}
	}
	return found, nil
}

// findNames looks through the fleet for agents that are called so, and puts them
// in their places. It refuses a name that means somebody else already: databases
// may hold names that look like ids.
func (s *Store) findNames(places map[string][]int, found []*Agent) error {
	for a, err := range s.All() {
		if err != nil {
			return err
		}
		for _, i := range places[a.Name] {
			switch {
			case found[i] == nil && len(a.Name) == fullID && LooksLikeID(a.Name):
				// It means an agent that is not in the fleet.
			case found[i] == nil:
				found[i] = a
			case found[i].ID == a.ID:
			case found[i].Name == a.Name:
				return fmt.Errorf("%q is the name of several agents: name one by its id", a.Name)
			default:
				return fmt.Errorf("%q is the name of one agent and begins the id of another: name the one that you mean by its public line", a.Name)
			}
		}
	}
	return nil
}

func (s *Store) noAgent(who string) error {
	return fmt.Errorf("%q: %w %s", who, ErrNoAgent, s.meta.Name)
}

func (s *Store) get(id fleet.AgentID, who string) (a *Agent, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		value := tx.Bucket(bucketAgents).Get(id[:])
		if value == nil {
			return s.noAgent(who)
		}
		a, err = s.agent(id[:], value)
		return err
	})
	return a, err
}

// findPrefix returns the one agent whose id begins with these digits, or nil.
func (s *Store) findPrefix(digits string) (found *Agent, err error) {
	if !LooksLikeID(digits) {
		return nil, nil
	}
	// Of an odd number of digits the last one is compared below.
	prefix, err := hex.DecodeString(digits[:len(digits)&^1])
	if err != nil {
		return nil, err
	}
	err = s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketAgents).Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if !strings.HasPrefix(hex.EncodeToString(k), digits) {
				continue
			}
			if found != nil {
				return fmt.Errorf("%q begins the ids of several agents: give more digits", digits)
			}
			if found, err = s.agent(k, v); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// All returns the agents in the order of their ids. The store must not be changed
// meanwhile.
func (s *Store) All() iter.Seq2[*Agent, error] {
	return func(yield func(*Agent, error) bool) {
		err := s.db.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucketAgents).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				a, err := s.agent(k, v)
				if err != nil {
					return err
				}
				if !yield(a, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(nil, err)
		}
	}
}

func (s *Store) agent(id, value []byte) (*Agent, error) {
	var doc agentDoc
	if err := dcbor.Decode(value, &doc); err != nil || len(id) != len(fleet.AgentID{}) {
		return nil, fmt.Errorf("%s: the entry of agent %x is damaged", s.dir, id)
	}
	// The key was checked when the agent was enrolled.
	key, err := tgspcrypto.TrustedRecipient(s.meta.KEM, doc.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%s: the key of agent %x is damaged: %w", s.dir, id, err)
	}
	return &Agent{fleet.AgentID(id), key, doc.Name, time.Unix(int64(doc.Enrolled), 0).UTC()}, nil //nolint:gosec // it was a time
}
