// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

type keygenOptions struct {
	out string
	pq  bool
}

func newKeygenCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make further keys",
		Long: `Makes a key pair. The secret file is readable by you alone and never
overwrites another; the public line goes to standard output.`,
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
	o := &keygenOptions{}
	cmd := &cobra.Command{
		Use:     "author [-o FILE]",
		Short:   "Make a key to sign packages with",
		Example: `  tgsp keygen author -o release.key`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := createAuthorKey(o.out); err != nil {
				return err
			}
			key, err := tgspcrypto.ReadAuthorKeyFile(o.out)
			if err != nil {
				return err
			}
			a.notef("secret key written to %s\n", o.out)
			a.printf("%s\n", key.Public())
			return nil
		},
	}
	cmd.Flags().StringVarP(&o.out, "output", "o", authorKeyFile, "write the secret key to `FILE`")
	return cmd
}

func newKeygenIdentityCommand(a *app) *cobra.Command {
	o := &keygenOptions{}
	cmd := &cobra.Command{
		Use:     "identity [-o FILE] [--pq]",
		Short:   "Make a key to open packages with",
		Example: `  tgsp keygen identity --pq -o server.key`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := createIdentity(o.out, o.pq); err != nil {
				return err
			}
			ids, err := tgspcrypto.ReadIdentityFile(o.out)
			if err != nil {
				return err
			}
			a.notef("secret key written to %s\n", o.out)
			a.printf("%s\n", ids[0].Recipient())
			return nil
		},
	}
	cmd.Flags().StringVarP(&o.out, "output", "o", identityKeyFile, "write the secret key to `FILE`")
	cmd.Flags().BoolVar(&o.pq, "pq", false, "make one that also resists quantum computers")
	return cmd
}
