// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

func newRecipientsCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "recipients",
		Short: "Show and change who can open a package",
		Long: `Shows and changes who can open a package. Only its envelope is written anew and
signed with your author key; the contents, and the author's signature over them,
stay as they are. It takes no longer for a large package.

A change that was cut off, by a crash or a full disk, leaves a package that can
still be opened, as it was before or as it was to be. The next change ends it
first; repair ends it and does nothing else.`,
		Example: `  tgsp recipients list model.tgsp
  tgsp recipients add model.tgsp tgsp-x25519:…`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("say what: %s list|add|remove|move|repair", cmd.CommandPath())
		},
	}
	cmd.AddCommand(newRecipientsListCommand(a), newRecipientsAddCommand(a), newRecipientsRemoveCommand(a), newRecipientsMoveCommand(a), newRecipientsRepairCommand(a))
	return cmd
}

func newRecipientsListCommand(a *app) *cobra.Command {
	o := &openFlags{}
	cmd := &cobra.Command{
		Use:   "list PKG",
		Short: "Show who can open a package",
		Long: `Shows the recipients of a package, as anybody can read them: the type of each
key and the first digits of its fingerprint. Your own are marked.`,
		Example: `  tgsp recipients list model.tgsp`,
		Args:    cobra.ExactArgs(1),
		RunE:    o.onRecord(a, func(_ *cobra.Command, args []string) error { return listRecipients(a, o, args[0]) }),
	}
	o.add(cmd.Flags())
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func listRecipients(a *app, o *openFlags, name string) error {
	s, err := o.look(a, name)
	if err != nil {
		return err
	}
	defer s.file.Close() //nolint:errcheck // only read
	envelope := s.file.Claims()
	_, refusal := s.file.Accept(s.trust)
	views := recipientViews(envelope.Recipients(), s.identities...)
	for i, r := range envelope.Recipients() {
		if r.Fleet != nil {
			k, err := keyring(*r.Fleet, s.identities)
			views[i].You = err == nil && k != nil && !k.Revoked()
		}
	}
	o.record(audit.Inspected, "")
	if a.json {
		return a.writeJSON(map[string]any{"package": name, "trusted": refusal == nil, "recipients": views})
	}
	for i, r := range envelope.Recipients() {
		you := ""
		if views[i].You {
			you = "  (you)"
		}
		a.printf("%s%s\n", printable(r.String()), you)
	}
	if refusal != nil {
		a.warnf("whoever made this package claims so: %v", refusal)
	}
	return nil
}

// changeFlags are the flags of verbs that change the envelope.
type changeFlags struct {
	openFlags
	signKey string
	key     *tgspcrypto.AuthorKey // once it was read: a pipe gives it only once
}

func (c *changeFlags) add(cmd *cobra.Command, a *app) {
	c.openFlags.add(cmd.Flags())
	c.addSignKey(cmd)
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
}

func (c *changeFlags) addSignKey(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.signKey, "sign-key", "", "sign with the author key in `FILE` (default: the one that tgsp init made)")
}

// signer reads the key of --sign-key.
func (c *changeFlags) signer(a *app) (*tgspcrypto.AuthorKey, error) {
	var err error
	if c.key == nil {
		c.key, err = a.authorKey(c.signKey)
	}
	return c.key, err
}

// begin opens and locks a package for a change. The caller ends it.
func (c *changeFlags) begin(a *app, name string) (*container.Change, *tgspcrypto.AuthorKey, error) {
	signer, err := c.signer(a)
	if err != nil {
		return nil, nil, err
	}
	trust, err := c.trust()
	if err != nil {
		return nil, nil, err
	}
	change, err := container.BeginChange(name, trust)
	if err != nil {
		c.sawChanged(name, trust)
		return nil, nil, about(name, err)
	}
	c.saw(change.Envelope, true)
	return change, signer, nil
}

type recipientsAddOptions struct {
	changeFlags
	files []string
}

func newRecipientsAddCommand(a *app) *cobra.Command {
	o := &recipientsAddOptions{}
	cmd := &cobra.Command{
		Use:   "add PKG KEY…",
		Short: "Let more keys open a package",
		Long: `Lets the holders of more keys open a package. That takes an identity that opens
it now, and an author key that readers trust for its envelope.`,
		Example: `  tgsp recipients add model.tgsp tgsp-x25519:…
  tgsp recipients add model.tgsp -R servers.txt`,
		Args: cobra.MinimumNArgs(1),
		RunE: o.onRecord(a, func(_ *cobra.Command, args []string) error { return o.run(a, args[0], args[1:]) }),
	}
	o.add(cmd, a)
	cmd.Flags().StringArrayVarP(&o.files, "recipients-file", "R", nil, "add the public keys in `FILE`, one a line")
	return cmd
}

func (o *recipientsAddOptions) run(a *app, name string, lines []string) error {
	keys, err := a.recipients(lines, o.files)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return usagef("say whom to add: a key's line, or a file of lines with -R")
	}
	identities, err := o.load(a)
	if err != nil {
		return err
	}
	o.sawAgent(nil, identities)
	change, signer, err := o.begin(a, name)
	if err != nil {
		return err
	}
	defer change.End() //nolint:errcheck // what was written is synced already
	added, err := change.AddRecipients(keys, identities, signer)
	if err != nil {
		return hintFleet(about(name, err), "its fleet's authority lets agents in: tgsp fleet enroll NAME REQUEST")
	}
	if added > 0 {
		o.changed(change, signer, "added %s", countOf(added, "recipient"))
	}
	return a.showChange(name, change, "added", added, len(keys)-added)
}

// changed records what has become of a package.
func (c *changeFlags) changed(change *container.Change, signer *tgspcrypto.AuthorKey, format string, args ...any) {
	c.saw(change.Envelope, true)
	c.record(audit.Changed, fmt.Sprintf(format, args...)+", signed by "+signer.Public().String())
}

// showChange says how many recipients were changed, and who is left.
func (a *app) showChange(name string, change *container.Change, what string, changed, same int) error {
	if a.json {
		return a.writeJSON(map[string]any{"package": name, what: changed, "recipients": recipientViews(change.Recipients())})
	}
	a.printf("%s: %s %d", printable(name), what, changed)
	if same > 0 {
		a.printf(" (%d were there already)", same)
	}
	a.printf("; it opens for %s\n", countOf(len(change.Recipients()), "recipient"))
	return nil
}

func newRecipientsRemoveCommand(a *app) *cobra.Command {
	o := &changeFlags{}
	cmd := &cobra.Command{
		Use:   "remove PKG KEY|SHORT-ID…",
		Short: "Let keys open a package no longer",
		Long: `Takes recipients out of a package, each named by its key's line or by its short
id, as list shows it.

Whoever has opened the package, or has a copy of it as it was, can still read
this release. To shut them out of the next, pack that without them.`,
		Example: `  tgsp recipients remove model.tgsp 4f1d2c3b`,
		Args:    cobra.MinimumNArgs(2),
		RunE: o.onRecord(a, func(_ *cobra.Command, args []string) error {
			return removeRecipients(a, o, args[0], args[1:])
		}),
	}
	o.trustFlags.add(cmd.Flags())
	o.auditFlags.add(cmd.Flags())
	o.addSignKey(cmd)
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func removeRecipients(a *app, o *changeFlags, name string, who []string) error {
	change, signer, err := o.begin(a, name)
	if err != nil {
		return err
	}
	defer change.End() //nolint:errcheck // what was written is synced already
	match := map[*container.Recipient]bool{}
	for _, w := range who {
		if err := findRecipients(change.Recipients(), w, match); err != nil {
			return about(name, err)
		}
	}
	removed, err := change.RemoveRecipients(func(r *container.Recipient) bool { return match[r] }, signer)
	if err != nil {
		return about(name, err)
	}
	o.changed(change, signer, "removed %s", countOf(removed, "recipient"))
	a.notef("whoever has opened it, or has an older copy, can still read this release\n")
	return a.showChange(name, change, "removed", removed, 0)
}

// findRecipients adds to match the entries that a line or a short id names.
func findRecipients(list []*container.Recipient, who string, match map[*container.Recipient]bool) error {
	key, err := tgspcrypto.ParseRecipient(who)
	if isLine(who) && err != nil {
		return &usageError{err}
	}
	found := 0
	for _, r := range list {
		hint := hex.EncodeToString(r.Hint)
		if key != nil && r.Matches(key) || key == nil && hint != "" && strings.EqualFold(strings.TrimSpace(who), hint) {
			match[r] = true
			found++
		}
	}
	switch {
	case found == 0:
		return withHint(fmt.Errorf("no recipient is %s", printable(who)), "see: tgsp recipients list PKG")
	case found > 1:
		return withHint(errors.New(who+" stands for several recipients"), "pack the model again for those who are to have it")
	}
	return nil
}

// repairOptions are the flags of a verb that needs no key.
type repairOptions struct {
	trustFlags
	auditFlags
}

func newRecipientsRepairCommand(a *app) *cobra.Command {
	o := &repairOptions{}
	cmd := &cobra.Command{
		Use:   "repair PKG",
		Short: "End a change that was cut off",
		Long: `Ends a change of the envelope that a crash has cut off. The package is then as
it was before the change, or as it was to be after it.`,
		Example: `  tgsp recipients repair model.tgsp`,
		Args:    cobra.ExactArgs(1),
		RunE:    o.onRecord(a, func(_ *cobra.Command, args []string) error { return o.repair(a, args[0]) }),
	}
	o.trustFlags.add(cmd.Flags())
	o.auditFlags.add(cmd.Flags())
	return cmd
}

func (o *repairOptions) repair(a *app, name string) error {
	trust, err := o.trust()
	if err != nil {
		return err
	}
	repaired, err := container.Repair(name, trust)
	o.sawChanged(name, trust)
	if err != nil {
		return about(name, err)
	}
	if !repaired {
		a.printf("%s: nothing to repair\n", printable(name))
		return nil
	}
	o.record(audit.Changed, "ended a change that was cut off")
	a.printf("%s: repaired\n", printable(name))
	return nil
}
