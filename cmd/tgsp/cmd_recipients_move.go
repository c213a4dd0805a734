// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

type recipientsMoveOptions struct {
	changeFlags
	fleet       string
	epochSecret string
}

func newRecipientsMoveCommand(a *app) *cobra.Command {
	o := &recipientsMoveOptions{}
	cmd := &cobra.Command{
		Use:   "move PKG… --fleet FILE",
		Short: "Move packages for a fleet to its present epoch",
		Long: `Encrypts packages for a fleet to the epoch of the fleet file, in place of the one
that they were for. Agents that were revoked in between cannot open them any
more, unless they have a copy of a package as it was, or kept what it held.

It takes keys of the fleet: you are its authority, or an agent, or you name the
secret of an epoch that the packages open with (tgsp fleet export --epoch-secret).
And an author key that readers trust for envelopes: tgsp trust add --role envelope.`,
		Example: `  tgsp recipients move model.tgsp --fleet robots.fleet`,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(a, args) },
	}
	o.add(cmd, a)
	cmd.Flags().StringVar(&o.fleet, "fleet", "", "the fleet's present public file, `FILE`")
	cmd.Flags().StringVar(&o.epochSecret, "epoch-secret", "", "open the packages with the epoch secret in `FILE`")
	return cmd
}

// movedView is a package that was moved, as --json shows it.
type movedView struct {
	Package    string          `json:"package"`
	Moved      bool            `json:"moved"`
	Recipients []recipientView `json:"recipients"`
}

func (o *recipientsMoveOptions) run(a *app, names []string) error {
	if o.fleet == "" {
		return usagef("say to which epoch: --fleet FILE, the fleet's present public file")
	}
	to, err := a.fleetRecipient(o.fleet, nil, nil)
	if err != nil {
		return err
	}
	identities, err := o.load(a)
	if err != nil {
		return err
	}
	moved := []movedView{}
	for _, name := range names {
		o.known = audit.Event{} // that of the package before is not this one's
		o.complain = func(err error) { a.warnf("%v", err) }
		err := o.audited("recipients move", name, nil, func() error {
			view, err := o.move(a, name, to, identities)
			if err == nil {
				moved = append(moved, *view)
			}
			return err // it names the package
		})
		if err != nil {
			if a.json && len(moved) > 0 { // that they were moved holds
				return errors.Join(err, a.writeJSON(map[string]any{"packages": moved}))
			}
			return err
		}
	}
	if a.json {
		return a.writeJSON(map[string]any{"packages": moved})
	}
	return nil
}

func (o *recipientsMoveOptions) move(a *app, name string, to *fleet.File, identities []*tgspcrypto.Identity) (*movedView, error) {
	change, signer, err := o.begin(a, name)
	if err != nil {
		return nil, err
	}
	defer change.End() //nolint:errcheck // what was written is synced already
	held, err := a.fleetKeys(change.Envelope, o.epochSecret, to, identities)
	if err != nil {
		return nil, err
	}
	moved, err := change.MoveFleet(container.NewFleetEpoch(to), container.Facts{Fleets: held}, signer)
	if err != nil {
		return nil, hintFleet(about(name, err), "name the present file of the fleet that the package is for")
	}
	if moved {
		o.changed(change, signer, "moved to epoch %d of fleet %s", to.Epoch(), to.ID().ShortID())
	}
	if !a.json {
		what := "moved; it opens for "
		if !moved {
			what = "it opens already for "
		}
		a.printf("%s: %s%s\n", printable(name), what, opensFor(change.Envelope))
	}
	return &movedView{name, moved, recipientViews(change.Recipients())}, nil
}
