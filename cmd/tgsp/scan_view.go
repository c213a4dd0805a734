// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"

	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
)

// scanView is what scan shows, with --json as it stands here. Its names are
// stable.
type scanView struct {
	Summary  scanSummary    `json:"summary"`
	Shares   *scanShares    `json:"shares"` // null where there are no weights
	Packages []*scanPackage `json:"packages"`
	RawFiles []scanRawFile  `json:"raw_files"` // the largest first
	Looked   int            `json:"files_looked_at"`
	LinksOut int            `json:"links_not_followed"`
	Warnings []scanWarning  `json:"warnings"`
}

type scanSummary struct {
	scanAmount
	TGSP scanAmount `json:"tgsp"`
	Raw  scanRaw    `json:"raw"`
}

// scanAmount is a number of files and of bytes in them.
type scanAmount struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (s *scanAmount) add(bytes int64) { s.Files, s.Bytes = s.Files+1, s.Bytes+bytes }

type scanRaw struct {
	scanAmount
	Formats map[scan.Kind]*scanAmount `json:"formats"`
}

// scanShares are the parts of all weights that are in packages, from 0 to 1.
type scanShares struct {
	Files float64 `json:"files"`
	Bytes float64 `json:"bytes"`
}

type scanRawFile struct {
	Path   string    `json:"path"`
	Format scan.Kind `json:"format"`
	Bytes  int64     `json:"bytes"`
}

type scanWarning struct {
	Path    string `json:"path"`
	Message string `json:"message"`

	err error
}

func newScanView(found *scan.Result, packages []*scanPackage) *scanView {
	v := &scanView{
		Summary:  scanSummary{Raw: scanRaw{Formats: map[scan.Kind]*scanAmount{}}},
		Packages: packages, RawFiles: []scanRawFile{}, Warnings: []scanWarning{},
		Looked: found.Looked, LinksOut: found.LinksOut,
	}
	if packages == nil {
		v.Packages = []*scanPackage{}
	}
	for _, p := range found.Problems {
		v.warn(p.Path, p.Err)
	}
	sum := &v.Summary
	for _, p := range packages {
		if p.failed != nil {
			v.warn(p.Package, p.failed)
		}
		if p.counts {
			sum.TGSP.add(p.Bytes)
			sum.add(p.Bytes)
		}
	}
	for _, f := range found.Files {
		if f.Kind == scan.TGSP {
			continue
		}
		v.RawFiles = append(v.RawFiles, scanRawFile{f.Path, f.Kind, f.Size})
		if sum.Raw.Formats[f.Kind] == nil {
			sum.Raw.Formats[f.Kind] = new(scanAmount)
		}
		sum.Raw.Formats[f.Kind].add(f.Size)
		sum.Raw.add(f.Size)
		sum.add(f.Size)
	}
	slices.SortStableFunc(v.RawFiles, func(x, y scanRawFile) int { return cmp.Compare(y.Bytes, x.Bytes) })
	if sum.Files > 0 {
		v.Shares = &scanShares{share(int64(sum.TGSP.Files), int64(sum.Files)), share(sum.TGSP.Bytes, sum.Bytes)}
	}
	return v
}

// warn notes what could not be read, by the name that the user knows.
func (v *scanView) warn(path string, err error) {
	reason := err
	if e := new(fs.PathError); errors.As(err, &e) {
		reason = e.Err
	}
	v.Warnings = append(v.Warnings, scanWarning{path, reason.Error(), err})
}

// share is a part of a whole, from 0 to 1.
func share(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
