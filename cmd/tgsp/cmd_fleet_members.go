// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// publishFlags are the flags of verbs that sign a new fleet file.
type publishFlags struct{ validFor string }

func (p *publishFlags) add(cmd *cobra.Command, a *app) {
	cmd.Flags().StringVar(&p.validFor, "valid-for", "", "the new fleet file, and later ones, count for this `TIME` (default: as before)")
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and notes")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
}

// lifetime returns the time of --valid-for, or 0.
func (p *publishFlags) lifetime() (time.Duration, error) {
	if p.validFor == "" {
		return 0, nil
	}
	return parseDays("valid-for", p.validFor)
}

// publish signs what the fleet is now, and shows it.
func (p *publishFlags) publish(ctx context.Context, a *app, s *authority.Store, lifetime time.Duration, said string) error {
	update, end := a.progressOf("making entries", countAgents)
	file, err := s.Publish(ctx, time.Now(), lifetime, update)
	end()
	if err != nil {
		return err
	}
	if err := rememberFleet(file); err != nil { // so that this user packs for no earlier epoch
		return err
	}
	if a.json {
		return a.writeJSON(newFleetView(file))
	}
	a.printf("%s%s\n", said, fleetLine(file))
	a.notef("hand it out: tgsp fleet export %s -o FILE for packers, with --agent AGENT for each agent\n", file.Name())
	return nil
}

func newFleetEnrollCommand(a *app) *cobra.Command {
	p := &publishFlags{}
	cmd := &cobra.Command{
		Use:   "enroll NAME REQUEST…",
		Short: "Take agents into a fleet",
		Long: `Takes agents into a fleet, by the files that they have made with tgsp fleet
request, or by public lines. A file may hold any number of agents, one a line.
Agents that are in it already stay as they are.

The epoch stays the same: what the fleet could open, a new agent can open too.`,
		Example: `  tgsp fleet enroll robots gate-7.request
  tgsp fleet enroll robots all-gates.txt`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return enroll(cmd.Context(), a, p, args[0], args[1:])
		},
	}
	p.add(cmd, a)
	return cmd
}

func enroll(ctx context.Context, a *app, p *publishFlags, name string, requests []string) error {
	lifetime, err := p.lifetime()
	if err != nil {
		return err
	}
	s, err := a.openFleet(name)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what was written is durable already
	added, agents := 0, 0
	for _, request := range requests {
		n, m, err := enrollOne(ctx, a, s, request)
		if err != nil {
			if added+n > 0 || s.Pending() {
				err = withHint(err, "%s were enrolled before that: mend it and run the same command again", countOf(added+n, "agent"))
			}
			return err
		}
		added, agents = added+n, agents+m
	}
	said := fmt.Sprintf("enrolled %d", added)
	if same := agents - added; same > 0 {
		said += fmt.Sprintf(" (%d were there already)", same)
	}
	return p.publish(ctx, a, s, lifetime, said+"; ")
}

func enrollOne(ctx context.Context, a *app, s *authority.Store, request string) (added, agents int, err error) {
	if isLine(request) {
		agent, err := parseRequest(request, time.Now())
		if err != nil {
			return 0, 0, &usageError{err}
		}
		added, err = s.Enroll([]authority.Agent{*agent})
		return added, 1, err
	}
	update, end := a.progress("enrolling")
	defer end()
	return enrollFrom(ctx, s, request, update)
}

type fleetRevokeOptions struct {
	publishFlags
	files []string
}

func newFleetRevokeCommand(a *app) *cobra.Command {
	o := &fleetRevokeOptions{}
	cmd := &cobra.Command{
		Use:   "revoke NAME AGENT…",
		Short: "Shut agents out of a fleet",
		Long: `Takes agents out of a fleet, each named by its public line, the first digits of its
id (eight at least), or what its request called it, and begins a new epoch.

Packages that are packed for the new epoch, or moved to it with tgsp recipients
move, do not open for them. What they could open before stays open to them: they
may have kept keys and copies. An agent that installs the bundle which tgsp fleet
export --agent makes of it now refuses all packages of the fleet.`,
		Example: `  tgsp fleet revoke robots gate-7 4f1d2c3b
  tgsp fleet revoke robots --file stolen.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args[0], args[1:]) },
	}
	o.add(cmd, a)
	cmd.Flags().StringArrayVarP(&o.files, "file", "f", nil, "revoke the agents that `FILE` names, one a line")
	return cmd
}

func (o *fleetRevokeOptions) run(ctx context.Context, a *app, name string, agents []string) error {
	lifetime, err := o.lifetime()
	if err != nil {
		return err
	}
	for _, file := range o.files {
		named, err := agentsIn(file)
		if err != nil {
			return err
		}
		agents = append(agents, named...)
	}
	if len(agents) == 0 {
		return usagef("say which agents: by name, id or public line, or with --file")
	}
	s, err := a.openFleet(name)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what was written is durable already
	found, err := s.Find(agents...)
	if errors.Is(err, authority.ErrNoAgent) {
		return withHint(err, "see: tgsp fleet show %s --agents", name)
	}
	if err != nil {
		return err
	}
	ids := make([]fleet.AgentID, len(found))
	for i, agent := range found {
		ids[i] = agent.ID
	}
	before := s.Agents()
	if err := s.Revoke(ids); err != nil {
		return err
	}
	a.notef("what they could open before stays open to them: move packages to the new epoch with tgsp recipients move, and pack new ones for it\n")
	return o.publish(ctx, a, s, lifetime, fmt.Sprintf("revoked %d; ", before-s.Agents()))
}

// agentsIn reads the names of agents, one a line. What follows a space is left
// out, so that a file of requests does too.
func agentsIn(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var names []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return names, nil
}

func newFleetRotateCommand(a *app) *cobra.Command {
	p := &publishFlags{}
	same := false
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Begin a new epoch, or sign the present one again",
		Long: `Begins a new epoch with a new secret for all agents. Do it after a secret may have
come into wrong hands, and from time to time.

With --same-epoch the epoch stays, and the fleet file is signed again: its time
begins anew.`,
		Example: `  tgsp fleet rotate robots
  tgsp fleet rotate robots --same-epoch --valid-for 30d`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			lifetime, err := p.lifetime()
			if err != nil {
				return err
			}
			s, err := a.openFleet(args[0])
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // what was written is durable already
			if !same {
				if err := s.Rotate(); err != nil {
					return err
				}
			}
			return p.publish(cmd.Context(), a, s, lifetime, "")
		},
	}
	p.add(cmd, a)
	cmd.Flags().BoolVar(&same, "same-epoch", false, "only sign the fleet file again")
	return cmd
}
