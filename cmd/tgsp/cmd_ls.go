// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
)

type lsOptions struct {
	openFlags
	long bool
}

func newLsCommand(a *app) *cobra.Command {
	o := &lsOptions{}
	cmd := &cobra.Command{
		Use:     "ls PKG [-l] [--json]",
		Short:   "List the files in a package",
		Long:    `Lists the files of a package that your identity opens, without mounting it.`,
		Example: `  tgsp ls -l model.tgsp`,
		Args:    cobra.ExactArgs(1),
		RunE:    o.onRecord(a, func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) }),
	}
	o.add(cmd.Flags())
	o.addRollback(cmd.Flags())
	cmd.Flags().BoolVarP(&o.long, "long", "l", false, "also mode, size in bytes and SHA-256")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *lsOptions) run(a *app, name string) error {
	r, err := o.open(a, name)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	view := newContentsView(r)
	if a.json {
		return a.writeJSON(view)
	}
	for _, f := range view.Files {
		if o.long {
			a.printf("%s %14d %s ", f.Mode, f.Size, f.SHA256)
		}
		a.printf("%s\n", f.Path)
	}
	for _, folder := range view.Folders {
		if o.long {
			a.printf("%s %14s %64s ", "0755", "-", "-")
		}
		a.printf("%s/\n", folder)
	}
	return nil
}
