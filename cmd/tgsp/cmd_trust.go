// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func newTrustCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "Keep the list of authors you trust",
		Long: `A package opens only when its author is trusted. The list of trusted keys is
yours alone; a key is in it because you put it there, never because a package
brought it along.`,
		Example: `  tgsp trust add tgsp-author:… --package 'acme/**'
  tgsp trust list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("say what: %s add|list|remove", cmd.CommandPath())
		},
	}
	cmd.AddCommand(newTrustAddCommand(a), newTrustListCommand(a), newTrustRemoveCommand(a))
	return cmd
}

type trustAddOptions struct {
	role     string
	packages []string
	comment  string
}

func newTrustAddCommand(a *app) *cobra.Command {
	o := &trustAddOptions{}
	cmd := &cobra.Command{
		Use:   "add KEY… [--role author|envelope] [--package PATTERN]…",
		Short: "Trust a key",
		Long: `Trusts the author keys given, each as a line or as a file of lines.

In the role author, a key may sign packages. In the lesser role envelope it may
change who can open them, not what is in them. --package limits the key to the
package ids that match: * stands for one element between slashes, and a final
/** for everything below. Adding a key again replaces its patterns.`,
		Example: `  tgsp trust add tgsp-author:… --package 'acme/**' --comment "Acme releases"`,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.run(a, args) },
	}
	cmd.Flags().StringVar(&o.role, "role", string(container.RoleAuthor), "what the key may do: `author|envelope`")
	cmd.Flags().StringArrayVar(&o.packages, "package", nil, "trust it for package ids that match `PATTERN` only")
	cmd.Flags().StringVar(&o.comment, "comment", "", "`TEXT` that reminds you whose key it is")
	return cmd
}

func (o *trustAddOptions) run(a *app, args []string) error {
	role, err := container.ParseRole(o.role)
	if err != nil {
		return &usageError{err}
	}
	for _, pattern := range o.packages {
		if err := container.CheckPattern(pattern); err != nil {
			return &usageError{err}
		}
	}
	keys, err := authorKeys(args)
	if err != nil {
		return err
	}
	store, err := loadTrustStore()
	if err != nil {
		return err
	}
	for _, key := range keys {
		store.put(trustEntry{Key: key.String(), Role: string(role), Packages: o.packages, Comment: o.comment})
		a.printf("trusted as %s for %s: %s\n  author_id %s\n", role, coverage(o.packages), key, key.ID())
	}
	return store.save()
}

// put adds an entry, in place of the one for the same key and role.
func (s *trustStore) put(e trustEntry) {
	for i, old := range s.Keys {
		if old.Key == e.Key && old.Role == e.Role {
			s.Keys[i] = e
			return
		}
	}
	s.Keys = append(s.Keys, e)
}

func coverage(patterns []string) string {
	if len(patterns) == 0 {
		return "all packages"
	}
	return strings.Join(patterns, ", ")
}

func newTrustListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list [--json]",
		Short:   "Show the keys you trust",
		Example: `  tgsp trust list`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			store, err := loadTrustStore()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(store.view())
			}
			if len(store.Keys) == 0 {
				a.notef("no key is trusted yet: tgsp init trusts your own, tgsp trust add KEY another's\n")
			}
			for _, e := range store.view().Keys {
				a.printf("%s\n  author_id %s, %s for %s", e.Key, e.AuthorID, e.Role, printable(coverage(e.Packages)))
				if e.Comment != "" {
					a.printf(" (%s)", printable(e.Comment))
				}
				a.printf("\n")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

// trustView is what list shows: the entries with their fingerprints.
type trustView struct {
	Keys []trustEntryView `json:"keys"`
}

type trustEntryView struct {
	trustEntry
	AuthorID string `json:"author_id"`
}

func (s *trustStore) view() trustView {
	v := trustView{Keys: []trustEntryView{}}
	for _, e := range s.Keys {
		if key, err := tgspcrypto.ParseAuthorPublicKey(e.Key); err == nil { // loadTrustStore has checked
			v.Keys = append(v.Keys, trustEntryView{e, key.ID().String()})
		}
	}
	return v
}

// minPrefix is how many digits of an author_id name a key to remove.
const minPrefix = 8

func newTrustRemoveCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "remove KEY|AUTHOR_ID",
		Short: "Trust a key no longer",
		Long: `Removes a key, named by its line or by the first digits, eight at least, of its
author_id, from the list. Packages by this author open no longer.`,
		Example: `  tgsp trust remove 4f1d2c3b`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			store, err := loadTrustStore()
			if err != nil {
				return err
			}
			removed, err := store.remove(args[0])
			if err != nil {
				return err
			}
			if err := store.save(); err != nil {
				return err
			}
			a.printf("trusted no longer: %s\n", removed)
			return nil
		},
	}
}

// remove takes all entries of one key out of the store.
func (s *trustStore) remove(name string) (string, error) {
	found := map[string]bool{}
	for _, e := range s.view().Keys {
		if e.Key == name || len(name) >= minPrefix && strings.HasPrefix(e.AuthorID, strings.ToLower(name)) {
			found[e.Key] = true
		}
	}
	if len(found) == 0 {
		return "", withHint(fmt.Errorf("no trusted key matches %q", name), "see: tgsp trust list")
	}
	if len(found) > 1 {
		return "", usagef("%q matches %d keys: give more digits", name, len(found))
	}
	kept := []trustEntry{}
	removed := ""
	for _, e := range s.Keys {
		if found[e.Key] {
			removed = e.Key
			continue
		}
		kept = append(kept, e)
	}
	s.Keys = kept
	return removed, nil
}
