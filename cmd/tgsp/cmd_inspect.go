// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

type inspectOptions struct{ openFlags }

func newInspectCommand(a *app) *cobra.Command {
	o := &inspectOptions{}
	cmd := &cobra.Command{
		Use:   "inspect PKG [--json] [-i IDENTITY]",
		Short: "Show what a package says about itself",
		Long: `Shows what anybody can read in a package, each thing marked as verified or only
claimed. Signatures are checked; the contents are not: that is tgsp verify.

For a package by a trusted author that your identity opens it also shows the
files and the metadata.`,
		Example: `  tgsp inspect model.tgsp`,
		Args:    cobra.ExactArgs(1),
		RunE:    o.onRecord(a, func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) }),
	}
	o.add(cmd.Flags())
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *inspectOptions) run(a *app, name string) error {
	s, err := o.look(a, name)
	if err != nil {
		return err
	}
	defer s.file.Close() //nolint:errcheck // only read
	view := newPackageView(name, s.file, s.file.Claims(), s.trust, s.identities)
	var contents *contentsView
	accepted, closed := s.file.Accept(s.trust) // closed is why the contents are not shown
	if closed == nil {
		// What the agent remembers counts, and that somebody has looked is no part of it.
		if closed = s.admit(a, accepted, false, false); closed == nil {
			contents = newContentsView(s.reader)
			if err := o.opened(); err != nil {
				return err
			}
		}
	}
	// A key that was named has to fit; the default one is only tried.
	if o.given() && errors.As(closed, new(*container.NoKeyError)) {
		return about(name, closed)
	}
	// Damage is an error also when only the public part was asked for.
	if errors.As(closed, new(*container.AlteredError)) || errors.As(closed, new(*container.FormatError)) {
		return about(name, closed)
	}
	if contents == nil {
		o.record(audit.Inspected, "")
	}
	if a.json {
		return a.writeJSON(struct {
			packageView
			*contentsView
		}{view, contents})
	}
	o.show(a, &view, s.file.Claims(), accepted, s.identities, contents, closed)
	return nil
}

func (o *inspectOptions) show(a *app, v *packageView, e *container.Envelope, accepted *container.Accepted, identities []*tgspcrypto.Identity, contents *contentsView, closed error) {
	mark := "claimed"
	if accepted != nil {
		mark = "verified"
	}
	m := e.Manifest()
	a.printf("%s is TGSP package %s, version %s (%s).\n", printable(v.Package), v.PackageID, v.Version, mark)
	a.printf("It was packed at %s (%s by the author's signature; the time itself is the author's word).\n", v.CreatedAt, mark)
	a.printf("It opens %s (%s)%s.\n", windowText(m.Policy), mark, openNow(m.Policy))
	if v.Policy.TargetFleet != "" {
		a.printf("It opens only for agents of fleet %s (%s).\n", fleetOf(m.Policy), mark)
	}
	a.printf("\nSignatures (each is right for the manifest: verified)\n")
	for _, s := range v.Signatures {
		a.printf("  %s\n", signatureText(s))
	}
	a.printf("  recipients' list, state %d, signed by %s\n", v.Generation, e.Signer())
	if accepted == nil {
		a.printf("  NOT TRUSTED: %v\n  everything said here is only claimed by whoever made the package\n", closed)
	}
	a.printf("\nRecipients (short ids, %s)\n", mark)
	for i, r := range e.Recipients() {
		you := ""
		if v.Recipients[i].You {
			you = "  (you)"
		}
		a.printf("  %s%s\n", printable(r.String()), you)
	}
	a.printf("\nContents: %s of payload, %s in all, %s, leaves by %s\n", byteCount(int64(m.PayloadLength)), byteCount(v.Size), cipherName(m.Suite), m.LeafHash) //nolint:gosec // bounded by the format
	a.printf("  content_hash %s (%s; tgsp verify compares every byte with it)\n", v.ContentHash, mark)
	if v.Unfinished {
		a.printf("\nA change of the envelope was cut off: tgsp recipients repair %s\n", shellQuote(v.Package))
	}
	if len(m.Annotations) > 0 {
		a.printf("\nAnnotations, public (%s)\n", mark)
		for _, key := range slices.Sorted(maps.Keys(m.Annotations)) {
			a.printf("  %s = %s\n", printable(key), printable(m.Annotations[key]))
		}
	}
	if contents != nil {
		o.showContents(a, contents)
		return
	}
	if accepted != nil && len(identities) > 0 {
		a.printf("\nFiles and metadata stay closed: %v\n", closed)
	} else {
		a.printf("\nFiles and metadata are encrypted.\n")
	}
}

func (o *inspectOptions) showContents(a *app, c *contentsView) {
	a.printf("\nFiles (verified index)\n")
	for _, f := range c.Files {
		a.printf("  %10s  %s%s\n", byteCount(int64(f.Size)), f.Path, weightsText(f.Found)) //nolint:gosec // bounded by the format
	}
	for _, folder := range c.Folders {
		a.printf("  %10s  %s/\n", "empty", folder)
	}
	if len(c.Metadata) > 0 {
		a.printf("\nMetadata by the author\n  %s\n", printable(string(c.Metadata)))
	}
}

func weightsText(w *container.WeightsInfo) string {
	if w == nil {
		return ""
	}
	if w.Problem != "" {
		return fmt.Sprintf("  [%s: %s]", printable(w.Format), printable(w.Problem))
	}
	types := make([]string, 0, len(w.DTypes))
	for _, name := range slices.Sorted(maps.Keys(w.DTypes)) {
		types = append(types, printable(name))
	}
	return fmt.Sprintf("  [%s: %s, %s, %s]", printable(w.Format), countOf(w.Tensors, "tensor"), countOf(w.Parameters, "parameter"), strings.Join(types, " "))
}

func signatureText(s signatureView) string {
	if s.Key == "" {
		return printable(s.Algorithm) + ": not known to this version, skipped"
	}
	who := "signed beside the author"
	if s.Author {
		who = "the author"
	}
	trusted := "not in your trust store for this package"
	if s.Trusted {
		trusted = "trusted by you"
	}
	return fmt.Sprintf("%s, %s, %s", s.Key, who, trusted)
}

// openNow says whether the window is open by this machine's clock.
func openNow(p container.Policy) string {
	if p.NotBefore == 0 && p.NotAfter == 0 {
		return ""
	}
	p.TargetFleet = nil
	if p.Check(container.Facts{Now: time.Now()}) != nil {
		return "; by this machine's clock it is CLOSED now"
	}
	return "; by this machine's clock it is open now"
}
