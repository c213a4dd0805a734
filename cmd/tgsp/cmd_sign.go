// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
)

func newSignCommand(a *app) *cobra.Command {
	o := &changeFlags{}
	cmd := &cobra.Command{
		Use:   "sign PKG",
		Short: "Add your signature beside the author's",
		Long: `Checks the whole package as verify does, and then adds your signature over what
the author signed: a release manager's beside the builder's, say. Readers demand
it with --require-key.

It also signs the envelope anew, so readers have to trust your key for that too,
at least in the role envelope.`,
		Example: `  tgsp sign model.tgsp --sign-key release.key`,
		Args:    cobra.ExactArgs(1),
		RunE:    o.onRecord(a, func(cmd *cobra.Command, args []string) error { return o.sign(cmd.Context(), a, args[0]) }),
	}
	o.add(cmd, a)
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress")
	return cmd
}

func (c *changeFlags) sign(ctx context.Context, a *app, name string) error {
	report, err := c.verifyFirst(ctx, a, name)
	if err != nil {
		return err
	}
	change, signer, err := c.begin(a, name)
	if err != nil {
		return err
	}
	defer change.End() //nolint:errcheck // what was written is synced already
	if change.ManifestHash() != report.Envelope.ManifestHash() {
		return about(name, errors.New("it was replaced by another package while it was checked"))
	}
	if err := change.AddSignature(signer); err != nil {
		return about(name, err)
	}
	c.changed(change, signer, "added a signature")
	if a.json {
		return a.writeJSON(map[string]any{"package": name, "signed_by": signer.Public().String(), "signatures": len(change.Signers())})
	}
	a.printf("%s: verified, and signed by %s\n", printable(name), signer.Public())
	return nil
}

// verifyFirst checks every byte before a signature vouches for them.
func (c *changeFlags) verifyFirst(ctx context.Context, a *app, name string) (*container.Report, error) {
	if _, err := c.signer(a); err != nil {
		return nil, err // before the work, not after it
	}
	s, err := c.look(a, name)
	if err != nil {
		return nil, err
	}
	defer s.file.Close() //nolint:errcheck // only read
	report, err := c.verify(ctx, a, s, nil)
	return report, about(name, err)
}
