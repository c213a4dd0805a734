// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

type fleetExportOptions struct {
	out         string
	agents      []string
	all         bool
	epochSecret bool
}

func newFleetExportCommand(a *app) *cobra.Command {
	o := &fleetExportOptions{}
	cmd := &cobra.Command{
		Use:   "export NAME -o FILE",
		Short: "Write what the fleet's authority hands out",
		Long: `Writes the public file of a fleet, which is all that packers need. With --agent it
adds what concerns an agent: that is the bundle for the agent to install. With
--all one file serves all agents of a small fleet.

An agent that is not in the fleet, because it was revoked, gets a bundle that says
so; name it by its public line or its whole id.

--epoch-secret writes the secret of the present epoch instead, for whoever moves
packages to newer epochs in your place. It opens every package that the fleet can
open: keep it as you keep the fleet's key.`,
		Example: `  tgsp fleet export robots -o robots.fleet
  tgsp fleet export robots --agent gate-7 -o gate-7.bundle`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "output", "o", "", "write to `FILE`")
	f.StringArrayVar(&o.agents, "agent", nil, "add what concerns this `AGENT`: a name, an id or a public line; can be repeated")
	f.BoolVar(&o.all, "all", false, "add the entries of all agents")
	f.BoolVar(&o.epochSecret, "epoch-secret", false, "write the secret of the present epoch, readable by you alone")
	return cmd
}

func (o *fleetExportOptions) run(a *app, name string) error {
	switch {
	case o.out == "":
		return usagef("say where to write it: -o FILE")
	case o.epochSecret && (o.all || len(o.agents) > 0), o.all && len(o.agents) > 0:
		return usagef("--agent, --all and --epoch-secret do not go together")
	}
	s, err := a.openFleet(name)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	file, err := s.File()
	if err != nil {
		return err
	}
	if s.Pending() || file == nil {
		return withHint(fmt.Errorf("a change of fleet %s was cut off before it was published", name), "finish it with: tgsp fleet rotate %s --same-epoch", name)
	}
	if o.epochSecret {
		return o.writeSecret(a, s, file)
	}
	bundle := fleet.NewBundle(file)
	if err := o.addAgents(a, s, bundle); err != nil {
		return err
	}
	data := file.Bytes()
	if o.all || len(o.agents) > 0 {
		data = bundle.Encode()
	}
	if len(data) > fleet.MaxBundle {
		return usagef("the entries of all agents need %s, and a bundle has at most %s: export them one by one with --agent", byteCount(int64(len(data))), byteCount(fleet.MaxBundle))
	}
	if err := durable.WriteFile(o.out, data, 0o644); err != nil {
		return err
	}
	a.printf("%s: %s\n", printable(o.out), fleetLine(file))
	return nil
}

func (o *fleetExportOptions) addAgents(a *app, s *authority.Store, bundle *fleet.Bundle) error {
	if !o.all && len(o.agents) == 0 {
		return nil
	}
	entries, err := s.Published()
	if err != nil {
		return err
	}
	defer entries.Close() //nolint:errcheck // only read
	if o.all {
		if size := bundle.File.Agents() * int64(fleet.EntrySize(s.KEM())); size > fleet.MaxBundle {
			return usagef("the entries of all agents need more than %s, and a bundle has at most %s: export them one by one with --agent", byteCount(size), byteCount(fleet.MaxBundle))
		}
		for agent, err := range s.All() {
			if err != nil {
				return err
			}
			if _, err := bundle.Add(agent.ID, &entries.Entries); err != nil {
				return err
			}
		}
		return nil
	}
	for _, who := range o.agents {
		id, err := exportedAgent(s, who)
		if err != nil {
			return err
		}
		member, err := bundle.Add(id, &entries.Entries)
		if err != nil {
			return err
		}
		if !member {
			a.warnf("agent %s is not in the fleet: its bundle says so, and closes the fleet's packages to it", id.ShortID())
		}
	}
	return nil
}

// exportedAgent returns whom a name means: a member, or somebody who was revoked.
func exportedAgent(s *authority.Store, who string) (fleet.AgentID, error) {
	agents, err := s.Find(who)
	if err == nil {
		return agents[0].ID, nil
	}
	if !errors.Is(err, authority.ErrNoAgent) {
		return fleet.AgentID{}, err
	}
	if key, parseErr := tgspcrypto.ParseRecipient(who); parseErr == nil {
		return fleet.NewAgentID(key), nil
	}
	if id, parseErr := fleet.ParseAgentID(who); parseErr == nil {
		return id, nil
	}
	return fleet.AgentID{}, withHint(err, "an agent that was revoked is named by its public line or its whole id; for the others see: tgsp fleet show %s --agents", s.Name())
}

func (o *fleetExportOptions) writeSecret(a *app, s *authority.Store, file *fleet.File) error {
	secret, err := s.Secret(file.Epoch())
	if err != nil {
		return err
	}
	defer clear(secret.Secret[:])
	text := fmt.Sprintf("# secret of epoch %d of fleet %s; it opens every package that the fleet can open\n%s\n", file.Epoch(), file.Name(), secret.SecretLine())
	if err := tgspcrypto.CreateSecretFile(o.out, text); err != nil {
		return err
	}
	a.printf("%s: the secret of epoch %d of fleet %s\n", printable(o.out), file.Epoch(), file.Name())
	return nil
}
