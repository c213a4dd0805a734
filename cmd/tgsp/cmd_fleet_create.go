// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

// Defaults of a new fleet.
const (
	defaultHistory  = 16 // keeps an agent's bundle below 4 KiB
	defaultValidFor = "90d"
)

type fleetCreateOptions struct {
	pq       bool
	history  int
	validFor string
}

func newFleetCreateCommand(a *app) *cobra.Command {
	o := &fleetCreateOptions{}
	cmd := &cobra.Command{
		Use:   "create NAME [--pq]",
		Short: "Make a fleet, of which you are the authority",
		Long: `Makes a fleet without agents. Its key and its secrets lie in your TGSP_HOME, in
the folder fleets/NAME: keep a copy of it in a safe place. Whoever loses it starts
a new fleet, because the fleet's name follows from the key.

A fleet file counts for a limited time, after which packers and agents want a new
one: that is how agents that were offline hear of those that were revoked.`,
		Example: `  tgsp fleet create robots --valid-for 30d`,
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args[0]) },
	}
	f := cmd.Flags()
	f.BoolVar(&o.pq, "pq", false, "make one that also resists quantum computers; all agents need such keys")
	f.IntVar(&o.history, "history", defaultHistory, "let agents open packages of this many earlier epochs, `N`")
	f.StringVar(&o.validFor, "valid-for", defaultValidFor, "fleet files count for this `TIME` after they were signed")
	f.BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *fleetCreateOptions) run(ctx context.Context, a *app, name string) error {
	validFor, err := parseDays("valid-for", o.validFor)
	if err != nil {
		return err
	}
	if o.history < 0 || o.history > fleet.MaxLinks {
		return usagef("--history %d: want 0 to %d", o.history, fleet.MaxLinks)
	}
	dir, err := fleetDir(name)
	if err != nil {
		return err
	}
	kem := tgspcrypto.X25519
	if o.pq {
		kem = tgspcrypto.MLKEM768X25519
	}
	s, err := authority.Create(dir, authority.Options{Name: name, KEM: kem, History: o.history, ValidFor: validFor})
	if errors.Is(err, fs.ErrExist) {
		if err := authority.CheckWhole(dir); errors.Is(err, authority.ErrNotWhole) {
			return notWhole(err, dir)
		}
		return withHint(err, "the fleet is there already, see: tgsp fleet show %s", name)
	}
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what was written is durable already
	file, err := s.Publish(ctx, time.Now(), 0, nil)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(newFleetView(file))
	}
	a.printf("fleet %s\n  fleet_id %s\n  authority %s\n", name, s.ID(), s.PublicKey())
	a.notef("its keys lie in %s: keep a copy of it in a safe place\nnext: tgsp fleet enroll %s REQUEST, with the file that an agent makes by: tgsp fleet request\n", printable(dir), name)
	return nil
}
