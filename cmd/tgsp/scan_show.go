// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
)

// How much of long lists scan shows to people; --json has all.
const (
	scanShowRaw      = 10
	scanShowWarnings = 20
)

func (a *app) showScan(v *scanView) {
	for i, w := range v.Warnings {
		if i == scanShowWarnings {
			a.warnf("and %d more; --json lists them all", len(v.Warnings)-i)
			break
		}
		a.warnf("%s: %s", printable(w.Path), escaped(w.Message))
	}
	if v.LinksOut > 0 {
		a.notef("%s leading elsewhere, not followed: give their targets as PATH to have them counted\n", countOf(v.LinksOut, "symbolic link"))
	}
	a.showAmounts(v)
	a.showRaw(v)
	if len(v.Packages) == 0 {
		return
	}
	a.printf("\n%s (signatures checked; not every byte, which tgsp verify does)\n", packagesText(v.Packages))
	for _, p := range v.Packages {
		a.showScanPackage(p)
	}
}

func (a *app) showAmounts(v *scanView) {
	sum := &v.Summary
	if v.Shares == nil {
		a.printf("No model weights were found in %s.\n", countOf(v.Looked, "file"))
		return
	}
	a.printf("Model weights: %s, %s (%s looked at)\n", countOf(sum.Files, "file"), byteCount(sum.Bytes), countOf(v.Looked, "file"))
	line := func(indent, name string, part scanAmount) {
		a.printf("%-18s%8d (%5.1f %%) %12s (%5.1f %%)\n", indent+name, part.Files, 100*share(int64(part.Files), int64(sum.Files)),
			byteCount(part.Bytes), 100*share(part.Bytes, sum.Bytes))
	}
	line("  ", "in TGSP", sum.TGSP)
	line("  ", "raw", sum.Raw.scanAmount)
	kinds := slices.Sorted(maps.Keys(sum.Raw.Formats))
	slices.SortStableFunc(kinds, func(x, y scan.Kind) int { return cmp.Compare(sum.Raw.Formats[y].Bytes, sum.Raw.Formats[x].Bytes) })
	for _, kind := range kinds {
		line("    ", string(kind), *sum.Raw.Formats[kind])
	}
}

func (a *app) showRaw(v *scanView) {
	if len(v.RawFiles) == 0 {
		return
	}
	title := "Raw files"
	if len(v.RawFiles) > scanShowRaw {
		title = "The largest raw files"
	}
	a.printf("\n%s\n", title)
	for _, f := range v.RawFiles[:min(scanShowRaw, len(v.RawFiles))] {
		a.printf("  %12s  %-14s  %s\n", byteCount(f.Bytes), f.Format, printable(f.Path))
	}
}

// packagesText says how many packages there are, and of how many one should know
// more.
func packagesText(packages []*scanPackage) string {
	var untrusted, expired, closed int
	for _, p := range packages {
		switch {
		case p.scanRelease == nil:
			closed++
			continue
		case !p.Trusted:
			untrusted++
		}
		if p.State == scanExpired {
			expired++
		}
	}
	text := countOf(len(packages), "package")
	for _, part := range []struct {
		n    int
		what string
	}{{untrusted, "not trusted"}, {expired, "expired"}, {closed, "that cannot be opened"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.what)
		}
	}
	return text
}

func (a *app) showScanPackage(p *scanPackage) {
	a.printf("  %s\n", printable(p.Package))
	for _, dir := range p.MountedAt {
		a.printf("    mounted at %s\n", printable(dir))
	}
	if p.scanRelease == nil {
		a.printf("    CANNOT BE OPENED: %s\n", strings.TrimPrefix(p.Error.Message, escaped(p.Package)+": "))
		if p.counts {
			a.printf("    counted by the files that the mount shows, %s\n", byteCount(p.Bytes))
		} else {
			a.printf("    not counted, neither as protected nor as raw\n")
		}
		return
	}
	a.printf("    %s %s, %s of payload\n", p.PackageID, p.Version, byteCount(p.Bytes))
	for _, s := range p.Signatures {
		a.printf("    signed by %s\n", shortSignatureText(s))
	}
	if !p.Trusted {
		a.printf("    NOT TRUSTED: all of this is only claimed by whoever made the package\n")
	}
	state := ""
	switch p.State {
	case scanExpired:
		state = ": EXPIRED"
	case scanNotYetOpen:
		state = ": not open yet"
	}
	a.printf("    opens %s%s\n", windowText(p.window), state)
	if p.Unfinished {
		a.printf("    a change of the envelope was cut off: tgsp recipients repair %s\n", shellQuote(p.Package))
	}
}

// shortSignatureText names a key by the start of its author_id, which tgsp trust
// list shows as well.
func shortSignatureText(s signatureView) string {
	if s.Key == "" {
		return printable(s.Algorithm) + ", which this version does not know"
	}
	const digits = 16
	who, trusted := "beside the author", "not trusted"
	if s.Author {
		who = "the author"
	}
	if s.Trusted {
		trusted = "trusted"
	}
	return s.AuthorID[:digits] + ", " + who + ", " + trusted
}
