// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

type fleetInstallOptions struct {
	identityFlags
	fleet string
}

func newFleetInstallCommand(a *app) *cobra.Command {
	o := &fleetInstallOptions{}
	cmd := &cobra.Command{
		Use:   "install FILE",
		Short: "Install what a fleet's authority hands to this agent",
		Long: `Installs the bundle that the authority of a fleet has made for this agent. From
then on packages for the fleet open here.

It checks the authority's signature, that the agent's entry is among those that
the authority signed and opens with the agent's identity, that the epoch's key
follows from it, and that the file is not older than one that was installed
before. --fleet makes sure that it is the fleet that you mean.

A bundle that says that this agent is not in the fleet any more is installed too:
packages for the fleet open here no longer, and those that are mounted close.`,
		Example: `  tgsp fleet install gate-7.bundle`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) },
	}
	o.add(cmd.Flags())
	cmd.Flags().StringVar(&o.fleet, "fleet", "", "refuse any fleet but the one with this `FLEET_ID`")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *fleetInstallOptions) run(a *app, name string) error {
	identities, err := o.load(a)
	if err != nil {
		return err
	}
	bundle, err := readBundle(name)
	if err != nil {
		return err
	}
	file := bundle.File
	if len(identities) == 0 {
		err := &fleet.MemberError{Fleet: file.ID(), Name: file.Name(), Epoch: file.Epoch(), Reason: "this agent has no identity"}
		return withHint(about(name, err), "name it with -i FILE, the one that the request was made with")
	}
	if o.fleet != "" && o.fleet != file.ID().String() {
		return about(name, &fleet.MemberError{Fleet: file.ID(), Name: file.Name(), Epoch: file.Epoch(), Reason: "this is another fleet than the one that --fleet names"})
	}
	keyring, err := bundle.Keyring(identities)
	if isNotMember(err) {
		return withHint(about(name, err), "ask the fleet's authority for: tgsp fleet export %s --agent %s", file.Name(), identities[0].Recipient().ShortID())
	}
	if err != nil {
		return about(name, err)
	}
	now := time.Now()
	if err := file.CheckValid(now); err != nil {
		return withHint(about(name, err), "ask the fleet's authority for its present file: tgsp fleet export %s --agent %s", file.Name(), keyring.Agent().ShortID())
	}
	if err := checkFleetFile(file, now, true); err != nil {
		return about(name, err)
	}
	if err := installBundle(bundle.Single(keyring.Agent())); err != nil {
		return err
	}
	if err := rememberFleet(file); err != nil {
		return err
	}
	return o.show(a, keyring)
}

// installBundle puts a bundle where packages are opened with it.
func installBundle(b *fleet.Bundle) error {
	name, err := keyringFile(b.File.ID())
	if err != nil {
		return err
	}
	if _, err := makeHome(filepath.Base(filepath.Dir(name))); err != nil {
		return err
	}
	return durable.WriteFile(name, b.Encode(), 0o600)
}

func (o *fleetInstallOptions) show(a *app, k *fleet.Keyring) error {
	if a.json {
		return a.writeJSON(struct {
			fleetView
			Agent  string `json:"agent_id"`
			Member bool   `json:"member"`
		}{newFleetView(k.File), k.Agent().String(), !k.Revoked()})
	}
	if k.Revoked() {
		a.printf("agent %s is not in %s\n", k.Agent().ShortID(), fleetLine(k.File))
		a.warnf("packages for this fleet open here no longer")
		return nil
	}
	a.printf("agent %s is in %s\n", k.Agent().ShortID(), fleetLine(k.File))
	if k.Oldest() < k.Epoch() {
		a.printf("  it opens packages for epochs %d to %d\n", k.Oldest(), k.Epoch())
	}
	return nil
}

// fleetOf writes the fleet that a policy names, by the name that this agent knows
// it under.
func fleetOf(p container.Policy) string {
	id := container.FleetID(p.TargetFleet)
	if b, err := installedBundle(id); err == nil && b != nil {
		return fmt.Sprintf("%s (%s)", id, b.File.Name())
	}
	return id.String()
}
