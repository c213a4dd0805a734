// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

type renewOptions struct {
	changeFlags
	window         window
	version        string
	recipients     []string
	recipientFiles []string
	fleet          string
}

func newRenewCommand(a *app) *cobra.Command {
	o := &renewOptions{}
	cmd := &cobra.Command{
		Use:   "renew PKG",
		Short: "Give a package a new policy or version",
		Long: `Gives a package of yours a new policy, version or list of recipients, without
packing again: it takes no longer for a large package. Only its author can. What
no flag names stays as it is; "never" takes a time out of the policy.

Signatures of others fall away, because they stood for what the package said
before. The list of recipients is written anew: name all of them with -r or -R,
unless the package opens for you alone. A package for a fleet takes --fleet, with
the fleet's present file; you can renew it where you can open it.

Agents take the renewed package up when they get it: for them it is newer than
every copy from before, which they refuse with --no-rollback.`,
		Example: `  tgsp renew model.tgsp --not-after 2028-01-31T18:00:00Z
  tgsp renew model.tgsp --not-after never -R customers.txt`,
		Args: cobra.ExactArgs(1),
		RunE: o.onRecord(a, func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) }),
	}
	o.add(cmd, a)
	f := cmd.Flags()
	f.StringVar(&o.window.notBefore, "not-before", "", "closed before this `TIME` (RFC 3339, or never)")
	f.StringVar(&o.window.notAfter, "not-after", "", "closed from this `TIME` on (RFC 3339, or never)")
	f.DurationVar(&o.window.grace, "grace", 0, "closed only this `DURATION` after --not-after, such as 72h")
	f.StringVar(&o.version, "version", "", "new `VERSION`, by semver.org")
	f.StringArrayVarP(&o.recipients, "recipient", "r", nil, "encrypt to this public `KEY`; can be repeated")
	f.StringArrayVarP(&o.recipientFiles, "recipients-file", "R", nil, "encrypt to the public keys in `FILE`, one a line")
	f.StringVar(&o.fleet, "fleet", "", "encrypt to the fleet whose public file is `FILE`, and let the policy name it")
	return cmd
}

func (o *renewOptions) run(a *app, name string) error {
	keys, err := a.recipients(o.recipients, o.recipientFiles)
	if err != nil {
		return err
	}
	if o.version != "" {
		if err := container.CheckVersion(o.version); err != nil {
			return &usageError{err}
		}
	}
	if o.window == (window{}) && o.version == "" && len(keys) == 0 && o.fleet == "" {
		return usagef("say what is to be new: --not-before, --not-after, --grace, --version, recipients or --fleet")
	}
	var toFleet *fleet.File
	if o.fleet != "" {
		if toFleet, err = a.fleetRecipient(o.fleet, o.recipients, o.recipientFiles); err != nil {
			return err
		}
	}
	identities, err := o.load(a)
	if err != nil {
		return err
	}
	o.sawAgent(nil, identities)
	change, author, err := o.begin(a, name)
	if err != nil {
		return err
	}
	defer change.End() //nolint:errcheck // what was written is synced already
	if len(keys) == 0 && toFleet == nil && len(change.Manifest().Policy.TargetFleet) == 0 {
		if keys, err = ownRecipients(change.Recipients(), identities); err != nil {
			return about(name, err)
		}
	}
	policy := change.Manifest().Policy
	if err := o.window.apply(&policy); err != nil {
		return err
	}
	a.warnClosed(policy)
	lost, before := len(change.Signers())-1, change.Seen()
	edit := func(m *container.Manifest) {
		m.Policy = policy
		m.CreatedAt = uint64(time.Now().Unix()) //nolint:gosec // after 1970
		if o.version != "" {
			m.Version = o.version
		}
	}
	held, err := a.fleetKeys(change.Envelope, "", toFleet, identities)
	if err != nil {
		return err
	}
	renewal := container.Renewal{Edit: edit, Recipients: keys}
	if toFleet != nil {
		renewal.Fleet = container.NewFleetEpoch(toFleet)
	}
	err = change.Renew(renewal, container.Facts{Fleets: held}, identities, author)
	if err != nil {
		return hintFleet(about(name, err), "it takes --fleet FILE, the present file of the fleet that the package is for")
	}
	o.changed(change, author, "renewed for %s", countOf(len(change.Recipients()), "recipient"))
	if lost > 0 {
		a.warnf("what the package said before was signed by others too: gone is %s", countOf(lost, "signature"))
	}
	if change.Seen().Compare(before) < 0 {
		a.warnf("agents with --no-rollback take it for older than it was (%s): give it a higher --version", before)
	}
	return o.show(a, name, change)
}

// ownRecipients returns the keys to renew for where none were given. An entry
// shows only a short id, not the key, so only one's own can be taken over.
func ownRecipients(present []*container.Recipient, identities []*tgspcrypto.Identity) ([]*tgspcrypto.Recipient, error) {
	var keys []*tgspcrypto.Recipient
	var others []string
	for _, r := range present {
		found := false
		for _, id := range identities {
			if key := id.Recipient(); r.Matches(key) {
				keys, found = append(keys, key), true
				break
			}
		}
		if !found {
			others = append(others, r.String())
		}
	}
	if len(others) > 0 {
		err := usagef("the package also opens for %s, whose keys do not stand in it", strings.Join(others, ", "))
		return nil, withHint(err, "name all recipients with -r or -R")
	}
	return keys, nil
}

func (o *renewOptions) show(a *app, name string, change *container.Change) error {
	m := change.Manifest()
	if a.json {
		return a.writeJSON(map[string]any{
			"package": name, "package_id": m.PackageID, "version": m.Version, "manifest_hash": change.ManifestHash().String(),
			"policy_constraints": newPolicyView(m.Policy), "recipients": recipientViews(change.Recipients()),
		})
	}
	a.printf("%s: %s %s\n", printable(name), m.PackageID, m.Version)
	a.printf("  opens %s, for %s\n", windowText(m.Policy), opensFor(change.Envelope))
	return nil
}
