// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/tensorguard/tgsp/cmd/tgsp/review"
	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
	"github.com/tensorguard/tgsp/container"
)

// leftView is something that does not go in, for JSON.
type leftView struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// plan shows what pack would make.
func (o *packOptions) plan(a *app, src *container.Source, pack *container.PackOptions, look *review.Review) error {
	summary, err := container.Plan(src, *pack)
	if err != nil {
		return err
	}
	left := make([]leftView, len(src.Left))
	for i, l := range src.Left {
		left[i] = leftView(l)
	}
	if a.json {
		return a.writeJSON(map[string]any{
			"package_id": pack.PackageID, "version": pack.Version, "files": look.Files, "folders": append([]string{}, src.Folders...),
			"left_out": left, "findings": findings(look), "bytes": summary.Bytes, "size": summary.Size, "written": false,
		})
	}
	a.printf("%s %s: %s, %s in %s%s\n", pack.PackageID, pack.Version, countOf(summary.Files, "file"),
		byteCount(summary.Bytes), byteCount(summary.Size), overhead(summary))
	for _, f := range look.Files {
		format := ""
		if f.Format != scan.None {
			format = "  (" + string(f.Format) + ")"
		}
		a.printf("  %10s  %s%s\n", byteCount(f.Size), printable(f.Path), format)
	}
	if len(left) > 0 {
		a.printf("left out:\n")
	}
	for _, l := range left {
		a.printf("  %s  (%s)\n", printable(l.Path), escaped(l.Why))
	}
	secrets := look.Of(review.Secret)
	if len(secrets) > 0 && !o.allowSecrets {
		a.printf("refused, unless they are left out or --allow-secrets is given:\n")
		for _, f := range secrets {
			a.printf("  %s  (%s)\n", printable(f.Path), f.What)
		}
	}
	a.notef("nothing was written: this was a dry run\n")
	return nil
}
