// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tensorguard/tgsp/cmd/tgsp/review"
	"github.com/tensorguard/tgsp/container"
)

// scan lists what goes in. It returns where the package is to be, too.
func (o *packOptions) scan(model string, d *review.Description) (*container.Source, string, error) {
	skip, err := skipping(map[string][]string{"--exclude": o.exclude, "exclude in " + review.DescriptionName + ":": d.Exclude})
	if err != nil {
		return nil, "", err
	}
	opts := container.SourceOptions{FollowSymlinks: o.followSymlinks, Skip: skip}
	out := ""
	if o.out != "" {
		if out, err = filepath.Abs(o.out); err != nil {
			return nil, "", err
		}
		opts.Exclude = []string{out}
	}
	src, err := container.Scan(model, opts)
	return src, out, err
}

// skipping returns what says why a path is left out, by patterns of several sources.
func skipping(sources map[string][]string) (func(p string) string, error) {
	type rule struct{ pattern, why string }
	var rules []rule
	for source, patterns := range sources {
		for _, pattern := range patterns {
			why := fmt.Sprintf("%s '%s'", source, pattern)
			pattern = strings.TrimPrefix(strings.TrimSuffix(pattern, "/"), "./")
			if pattern == "" || !doublestar.ValidatePattern(pattern) {
				return nil, usagef("%s: no pattern such as '*.bin' or 'checkpoints/**'", why)
			}
			rules = append(rules, rule{pattern, why})
		}
	}
	if rules == nil {
		return nil, nil
	}
	slices.SortFunc(rules, func(a, b rule) int { return strings.Compare(a.why, b.why) })
	return func(p string) string {
		for _, r := range rules {
			subject := p
			if !strings.Contains(r.pattern, "/") {
				subject = path.Base(p)
			}
			if doublestar.MatchUnvalidated(r.pattern, subject) {
				return r.why
			}
		}
		return ""
	}, nil
}

// review looks at what goes in, warns, and refuses secrets.
func (o *packOptions) review(ctx context.Context, a *app, model string, src *container.Source) (*review.Review, error) {
	if isPackage(model) {
		return nil, &container.SourceError{Path: model, Reason: "it is a package already", Hint: "the model comes first: tgsp pack MODEL -o OUT.tgsp"}
	}
	look, err := review.Look(ctx, src)
	if err != nil {
		return nil, err
	}
	for _, w := range []struct {
		kind review.Kind
		text string
	}{
		{review.Pickle, "pickles run code when they are loaded: %s; convert them to safetensors, or tell those who load them"},
		{review.Engine, "TensorRT engines load with one version, on one kind of device: %s"},
		{review.Large, "large, and no format of weights that is known: %s; --exclude leaves out what does not belong"},
	} {
		if found := look.Of(w.kind); len(found) > 0 {
			a.warnf(w.text, shortList(findingPaths(found)))
		}
	}
	secrets := look.Of(review.Secret)
	switch {
	case len(secrets) == 0:
	case o.allowSecrets:
		a.warnf("packed all the same: %s", shortList(describeFindings(secrets)))
	case o.dryRun: // shows it
	default:
		return nil, &container.SourceError{
			Path: model, Reason: "secrets lie in it, and everybody who opens the package would have them: " + shortList(describeFindings(secrets)),
			Hint: "leave them out with --exclude PATTERN, or pack them all the same with --allow-secrets",
		}
	}
	return look, nil
}

func findingPaths(found []review.Finding) []string {
	paths := make([]string, len(found))
	for i, f := range found {
		paths[i] = f.Path
	}
	return paths
}

func describeFindings(found []review.Finding) []string {
	texts := make([]string, len(found))
	for i, f := range found {
		texts[i] = f.Path + " (" + f.What + ")"
	}
	return texts
}

// findings are those of a review, for JSON: a list, however short.
func findings(look *review.Review) []review.Finding {
	return append([]review.Finding{}, look.Findings...)
}

func leftPaths(src *container.Source) []string {
	paths := make([]string, len(src.Left))
	for i, l := range src.Left {
		paths[i] = l.Path
	}
	return paths
}
