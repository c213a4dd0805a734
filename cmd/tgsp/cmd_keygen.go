// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"
)

type keygenOptions struct {
	newKeys
	out string
}

func newKeygenCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make further keys",
		Long: `Makes a key pair. The secret file is readable by you alone and never
overwrites another; the public line goes to standard output.

With --passphrase the secret is encrypted with a passphrase, as age does it:
age -p -a makes such a file of an older key, and age -d shows what is in it.`,
		Example: `  tgsp keygen identity -o server.key > server.pub`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("say which: %s author|identity", cmd.CommandPath())
		},
	}
	cmd.AddCommand(newKeygenAuthorCommand(a), newKeygenIdentityCommand(a))
	return cmd
}

func newKeygenAuthorCommand(a *app) *cobra.Command {
	o := &keygenOptions{newKeys: newKeys{app: a}}
	cmd := &cobra.Command{
		Use:     "author [-o FILE] [--passphrase]",
		Short:   "Make a key to sign packages with",
		Example: `  tgsp keygen author -o release.key`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			key, err := o.author(o.out)
			if err != nil {
				return err
			}
			a.notef("secret key written to %s\n", o.out)
			a.printf("%s\n", key.Public())
			return nil
		},
	}
	o.addPassphrase(cmd.Flags())
	cmd.Flags().StringVarP(&o.out, "output", "o", authorKeyFile, "write the secret key to `FILE`")
	return cmd
}

func newKeygenIdentityCommand(a *app) *cobra.Command {
	o := &keygenOptions{newKeys: newKeys{app: a}}
	cmd := &cobra.Command{
		Use:     "identity [-o FILE] [--pq] [--passphrase]",
		Short:   "Make a key to open packages with",
		Example: `  tgsp keygen identity --pq -o server.key`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			id, err := o.identity(o.out)
			if err != nil {
				return err
			}
			a.notef("secret key written to %s\n", o.out)
			a.printf("%s\n", id.Recipient())
			return nil
		},
	}
	o.addPassphrase(cmd.Flags())
	cmd.Flags().StringVarP(&o.out, "output", "o", identityKeyFile, "write the secret key to `FILE`")
	cmd.Flags().BoolVar(&o.pq, "pq", false, "make one that also resists quantum computers")
	return cmd
}
