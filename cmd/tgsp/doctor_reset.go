// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/user"
	"time"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// stateLogFile is where it stands that somebody has made this agent forget.
const stateLogFile = "state.log"

// resetClock makes the present time the latest that the clock has shown.
func (a *app) resetClock() error {
	m := recall()
	if m.err != nil {
		return m.err
	}
	now := a.now()
	if err := (container.Facts{Now: now}).CheckClock(); err != nil {
		return err // it is not right
	}
	return a.reset(m.store, "the clock's floor was reset", func(log resetLog) error {
		return m.store.update(func(state *agentState) error {
			old := *state
			state.setFloor(now)
			return log(&old, state, true)
		})
	})
}

// resetState puts a state that knows only the present time in place of whatever
// is there.
func (a *app) resetState() error {
	store, err := openStateStore()
	if err != nil {
		return err
	}
	now := a.now()
	return a.reset(store, "the state was reset", func(log resetLog) error {
		return store.replace(func(old *agentState, believed bool) (*agentState, error) {
			state := new(agentState)
			if (container.Facts{Now: now}).CheckClock() == nil {
				state.setFloor(now)
			}
			return state, log(old, state, believed)
		})
	})
}

// resetLog takes note of a reset before it is done, so that none goes unseen.
type resetLog func(old, state *agentState, believed bool) error

func (a *app) reset(store *stateStore, what string, change func(resetLog) error) error {
	var was, is string
	name := store.path(stateLogFile)
	err := change(func(old, state *agentState, believed bool) error {
		was, is = formatFloor(old), formatFloor(state)
		if !believed {
			was += " (not to be believed)"
		}
		return noteReset(name, a.now(), what, was, is)
	})
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(map[string]string{"done": what, "old_floor": was, "new_floor": is, "log": name})
	}
	a.printf("%s\n  the latest time that is remembered was: %s\n  and is now: %s\n  this is noted in %s\n", what, was, is, printable(name))
	return nil
}

func formatFloor(s *agentState) string {
	if s.Floor == 0 {
		return "none"
	}
	return container.FormatTime(s.Floor)
}

// noteReset writes a line to the end of the log.
func noteReset(name string, now time.Time, what, was, is string) error {
	f, err := sysfile.OpenPrivate(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return err
	}
	who := "" // the name, where the system knows one
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	r := slog.NewRecord(now, slog.LevelWarn, what, 0)
	r.Add("old_floor", was, "new_floor", is, "user", who, "uid", os.Getuid())
	err = slog.NewTextHandler(secretsHidden{f}, nil).Handle(context.Background(), r)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
