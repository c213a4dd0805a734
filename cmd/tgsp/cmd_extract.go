// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
)

type extractOptions struct {
	openFlags
	force bool
}

func newExtractCommand(a *app) *cobra.Command {
	o := &extractOptions{}
	cmd := &cobra.Command{
		Use:   "extract PKG DIR",
		Short: "Write the contents of a package to a folder",
		Long: `Decrypts a package into the folder DIR. A DIR that does not exist is made, for
you alone, and appears when everything is there; into one that exists each file
comes as a whole. Files that are there already are kept, and refused before
anything is written, unless --force replaces them.

Every byte of the package is checked first, and each file against its hash in
the signed index. Where something is not right, nothing is left behind.

What was extracted lies unencrypted on the disk, and the policy holds for it no
longer. tgsp mount needs no such copy.`,
		Example: `  tgsp extract model.tgsp model`,
		Args:    cobra.ExactArgs(2),
		RunE: o.onRecord(a, func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), a, args[0], args[1])
		}),
	}
	o.add(cmd.Flags())
	o.addRollback(cmd.Flags())
	cmd.Flags().BoolVar(&o.force, "force", false, "replace files that are there already")
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *extractOptions) run(ctx context.Context, a *app, name, dir string) error {
	if err := checkOrder(name, dir); err != nil {
		return err
	}
	report, err := o.extract(ctx, a, name, dir)
	if err != nil {
		return err
	}
	if a.json {
		return a.writeJSON(map[string]any{"package": name, "dir": dir, "files": report.Files, "bytes": report.FileBytes})
	}
	a.printf("%s: %s, %s, all as their author signed them\n", printable(dir), countOf(report.Files, "file"), byteCount(report.FileBytes))
	return nil
}

func (o *extractOptions) extract(ctx context.Context, a *app, name, dir string) (_ *container.Report, err error) {
	// Opening comes first: it judges the policy's window and the key.
	session, err := o.begin(a, name)
	if err != nil {
		return nil, err
	}
	defer session.reader.Close() //nolint:errcheck // only read
	staging, err := newStaging(dir, o.force)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, staging.end()) }()
	if err := staging.refuse(session.reader); err != nil {
		return nil, err
	}
	update, end := a.progress("extracting")
	report, err := session.file.Verify(ctx, container.VerifyOptions{
		Trust: session.trust, Identities: session.identities, Facts: session.facts, Contents: staging, Progress: update,
	})
	end()
	if err != nil {
		return nil, about(name, err)
	}
	if err := session.remember(a); err != nil {
		return nil, about(name, err)
	}
	return report, staging.publish()
}
