// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

type fleetShowOptions struct{ agents bool }

func newFleetShowCommand(a *app) *cobra.Command {
	o := &fleetShowOptions{}
	cmd := &cobra.Command{
		Use:   "show [NAME|FILE]",
		Short: "Show a fleet",
		Long: `Shows a fleet of yours by its name, or what a file says that a fleet's authority
has handed out. Without an argument it lists the fleets that you are the authority
of, and those that this agent is in.

--agents lists the agents of a fleet of yours, one a line: id, public line, time
of enrolment, name.`,
		Example: `  tgsp fleet show robots --agents
  tgsp fleet show robots.fleet`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return o.list(a)
			}
			return o.run(a, args[0])
		},
	}
	cmd.Flags().BoolVar(&o.agents, "agents", false, "list the agents")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *fleetShowOptions) run(a *app, name string) error {
	if fleet.CheckName(name) == nil {
		s, err := a.openFleet(name)
		if err == nil {
			defer s.Close() //nolint:errcheck // only read
			return o.store(a, s)
		}
		if _, statErr := os.Stat(name); statErr != nil || !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	b, err := readBundle(name)
	if err != nil {
		return err
	}
	if o.agents {
		return usagef("--agents is for a fleet of yours, and %s is a file", printable(name))
	}
	if a.json {
		return a.writeJSON(newFleetView(b.File))
	}
	a.fleetText(b.File)
	return nil
}

func (o *fleetShowOptions) store(a *app, s *authority.Store) error {
	file, err := s.File()
	if err != nil {
		return err
	}
	if s.Pending() {
		a.warnf("a change of this fleet was cut off before it was published; finish it with: tgsp fleet rotate %s --same-epoch", s.Name())
	}
	if o.agents {
		return o.listAgents(a, s)
	}
	if file == nil {
		return withHint(fmt.Errorf("fleet %s was never published", s.Name()), "run: tgsp fleet rotate %s --same-epoch", s.Name())
	}
	if a.json {
		return a.writeJSON(newFleetView(file))
	}
	a.fleetText(file)
	return nil
}

// agentView is an agent as --json shows it.
type agentView struct {
	AgentID   string `json:"agent_id"`
	PublicKey string `json:"public_key"`
	Enrolled  string `json:"enrolled"`
	Name      string `json:"name,omitempty"`
}

func (o *fleetShowOptions) listAgents(a *app, s *authority.Store) error {
	views := []agentView{}
	for agent, err := range s.All() {
		if err != nil {
			return err
		}
		v := agentView{agent.ID.String(), agent.Key.String(), agent.Enrolled.Format(time.RFC3339), agent.Name}
		if a.json {
			views = append(views, v)
			continue
		}
		a.printf("%s %s %s %s\n", v.AgentID, v.PublicKey, v.Enrolled, printable(v.Name))
	}
	if a.json {
		return a.writeJSON(map[string]any{"agents": views})
	}
	return nil
}

// published returns the fleet file that was published last, or nil.
func (a *app) published(name string) (*fleet.File, error) {
	s, err := a.openFleet(name)
	if err != nil {
		return nil, err
	}
	file, err := s.File()
	return file, errors.Join(err, s.Close())
}

// list shows the fleets that this user has to do with. One that cannot be shown
// keeps no other from being shown.
func (o *fleetShowOptions) list(a *app) error {
	names, err := a.fleetFolders()
	if err != nil {
		return err
	}
	var failed error
	authorityOf, memberOf := []fleetView{}, []fleetView{}
	for _, name := range names {
		file, err := a.published(name)
		switch {
		case errors.Is(err, authority.ErrNotWhole):
			a.leaveOut(err)
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("fleet %s: %w", name, err))
		case file != nil:
			authorityOf = append(authorityOf, newFleetView(file))
			if !a.json {
				a.printf("authority of %s\n", fleetLine(file))
			}
		}
	}
	bundles, err := installedBundles()
	if err != nil {
		return err
	}
	for _, b := range bundles {
		memberOf = append(memberOf, newFleetView(b.File))
		if !a.json {
			a.printf("installed: %s\n", fleetLine(b.File))
		}
	}
	if a.json {
		return errors.Join(failed, a.writeJSON(map[string]any{"authority": authorityOf, "installed": memberOf}))
	}
	if failed == nil && len(authorityOf)+len(memberOf) == 0 {
		a.notef("no fleet: make one with tgsp fleet create NAME, or ask to be enrolled with tgsp fleet request\n")
	}
	return failed
}
