// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/hex"
	"maps"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tensorguard/tgsp/cmd/tgsp/review"
	"github.com/tensorguard/tgsp/container"
)

// firstVersion is that of a package whose author says nothing else.
const firstVersion = "1.0.0"

// describe returns what is said of the package: by flags first, then by the model's
// folder, then by its name.
func (o *packOptions) describe(a *app, model string) (*review.Description, error) {
	d, err := review.Describe(model)
	if err != nil {
		return nil, &container.SourceError{Path: model, Reason: "its description cannot be read", Err: err,
			Hint: "tgsp.yaml can hold package_id, version, license, annotations and exclude"}
	}
	for _, said := range []struct{ what, flag, folder string }{
		{"package id", o.packageID, d.PackageID}, {"version", o.version, d.Version}, {"license", "", d.License},
	} {
		if said.flag == "" && said.folder != "" {
			a.notef("%s %s, from %s\n", said.what, escaped(said.folder), d.From)
		}
	}
	d.Version = cmp.Or(o.version, d.Version, firstVersion)
	if d.PackageID = cmp.Or(o.packageID, d.PackageID); d.PackageID == "" {
		d.PackageID = idFromName(model)
		a.notef("package id %s, from the model's name (--package-id chooses another)\n", d.PackageID)
	}
	return d, nil
}

var notInID = regexp.MustCompile(`[^a-z0-9._-]+`)

// idFromName makes a package id of a file's or folder's name. The folder of a
// snapshot in a Hugging Face cache, models--OWNER--NAME/snapshots/REVISION, is called
// by a hash: there it is OWNER/NAME.
func idFromName(model string) string {
	if abs, err := filepath.Abs(model); err == nil {
		model = abs
	}
	name := filepath.Base(model)
	if snapshots := filepath.Dir(model); filepath.Base(snapshots) == "snapshots" {
		if repository, found := strings.CutPrefix(filepath.Base(filepath.Dir(snapshots)), "models--"); found {
			name = repository
		}
	}
	parts := strings.SplitN(strings.ToLower(name), "--", 2)
	for i := range parts {
		parts[i] = strings.Trim(notInID.ReplaceAllString(parts[i], "-"), "-")
	}
	id := strings.Trim(strings.Join(parts, "/"), "/")
	if id == "" {
		return "model"
	}
	return id[:min(len(id), 128)]
}

// annotations joins those of the flags with those of the folder.
func annotations(flags []string, d *review.Description) (map[string]string, error) {
	all := maps.Clone(d.Annotations)
	if d.License != "" {
		all = with(all, "license", d.License)
	}
	given := map[string]bool{}
	for _, arg := range flags {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, usagef("--annotation %q: want KEY=VALUE", arg)
		}
		if given[key] {
			return nil, usagef("--annotation %s stands there twice", key)
		}
		given[key] = true
		all = with(all, key, value)
	}
	return all, nil
}

func with(all map[string]string, key, value string) map[string]string {
	if all == nil {
		all = make(map[string]string)
	}
	all[key] = value
	return all
}

// testSeed reads what makes a package reproducible, 32 bytes in hexadecimal digits.
func (o *packOptions) testSeed(a *app) (*[32]byte, error) {
	if o.seed == "" {
		return nil, nil
	}
	text, err := a.readSecretFile(o.seed)
	if err != nil {
		return nil, err
	}
	seed := new([32]byte)
	if n, err := hex.Decode(seed[:], []byte(strings.TrimSpace(string(text[:min(len(text), 66)])))); err != nil || n != len(seed) {
		return nil, usagef("--test-seed %s: want 64 hexadecimal digits", o.seed)
	}
	a.warnf("whoever knows the seed can read this package: it is for tests alone")
	return seed, nil
}
