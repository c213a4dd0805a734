// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/tensorguard/tgsp/container"
)

// memory is what this agent knows from before, as far as it can be believed.
type memory struct {
	store *stateStore
	state *agentState // empty where err is set
	err   error       // why nothing is known
}

func recall() *memory {
	m := &memory{state: new(agentState)}
	if m.store, m.err = openStateStore(); m.err != nil {
		return m
	}
	state, err := m.store.load()
	if m.err = err; err == nil {
		m.state = state
	}
	return m
}

// update changes the state, and writes it only where that makes a difference.
func (m *memory) update(change func(*agentState) error) error {
	if m.err != nil {
		return m.err
	}
	before, err := m.state.encode(new(stateKey))
	if err != nil {
		return err
	}
	if err := change(m.state); err != nil {
		return err
	}
	if after, err := m.state.encode(new(stateKey)); err != nil || string(after) == string(before) {
		return err
	}
	return m.store.update(change)
}

// admission is how a package was let in, for remembering it.
type admission struct {
	*memory
	now      time.Time
	envelope *container.Envelope
	window   bool // its policy depends on the time
	newest   bool // nothing older is wanted
	back     bool // something older is wanted
}

// admit opens the contents of an accepted package, and judges its age where the
// user asks for that.
func (s *session) admit(a *app, accepted *container.Accepted, newest, back bool) (err error) {
	m := recall()
	var old error
	if s.facts, old, err = s.gather(a, accepted.Envelope, m.state); err != nil {
		return err
	}
	defer func() {
		if err != nil { // a mount may wait and try again
			s.facts.Forget()
		}
	}()
	facts := s.facts
	if s.reader, err = accepted.Open(facts, s.identities); err != nil {
		return err
	}
	if old != nil {
		return old
	}
	s.admission = &admission{m, facts.Now, accepted.Envelope, accepted.Manifest().Policy.DependsOnTime(), newest, back}
	if m.err != nil && s.matters() {
		return m.err
	}
	return s.judge(m.state)
}

// matters reports whether a package may be opened only by somebody who knows
// what was before, and will know it again.
func (d *admission) matters() bool { return d.window || d.newest }

func (d *admission) judge(state *agentState) error {
	if !d.newest {
		return nil
	}
	return d.envelope.CheckRollback(state.seen(d.envelope))
}

// remember takes note of the package and the time, now that it is handed out.
func (d *admission) remember(a *app) error {
	err := d.update(func(state *agentState) error {
		if err := d.judge(state); err != nil { // another process may have seen more meanwhile
			return err
		}
		state.record(d.envelope, d.back)
		if d.window {
			state.raiseFloor(d.now)
		}
		return nil
	})
	switch {
	case err == nil, errors.As(err, new(*container.RollbackError)):
		return err
	case !d.matters():
		a.warnf("what was opened is not remembered: %v", err)
		return nil
	case errors.As(err, new(*stateError)):
		return err
	case d.window:
		err = fmt.Errorf("a package whose policy depends on the time needs an agent that remembers the time: %w", err)
	default:
		err = fmt.Errorf("an agent that is to refuse older packages has to remember this one: %w", err)
	}
	return withHint(err, "set TGSP_HOME to a folder of yours that can be written to")
}
