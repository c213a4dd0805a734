// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
	"github.com/tensorguard/tgsp/container"
)

// scanOpeners is how many packages scan opens at once: mostly it waits.
const scanOpeners = 8

// States of a package by its policy and this machine's clock, as scan shows them.
const (
	scanOpen       = "open"
	scanNotYetOpen = "not-yet-open"
	scanExpired    = "expired"
)

// scanPackage is a package that scan has found. Its names are stable.
type scanPackage struct {
	Package   string   `json:"package"`
	MountedAt []string `json:"mounted_at,omitempty"`
	Bytes     int64    `json:"bytes"` // for which it counts; none where it cannot be opened
	*scanRelease
	Error *reportedError `json:"error,omitempty"` // why it cannot be opened

	counts bool  // it is a package, and not only called one
	failed error // the error where it is one of reading, not of the package
}

// scanRelease is what anybody can read in a package that is in order.
type scanRelease struct {
	PackageID   string          `json:"package_id"`
	Version     string          `json:"version"`
	CreatedAt   string          `json:"created_at"`
	AuthorID    string          `json:"author_id"`
	Author      string          `json:"author"`
	Trusted     bool            `json:"trusted"`
	Signatures  []signatureView `json:"signatures"`
	Policy      policyView      `json:"policy_constraints"`
	State       string          `json:"state"`
	Unfinished  bool            `json:"unfinished"`
	ContentHash string          `json:"content_hash"`
	Size        int64           `json:"size"`

	window container.Policy
}

// scanPackages opens the packages that were found, and those behind the mounts.
func (a *app) scanPackages(ctx context.Context, found *scan.Result, trust *container.Trust) ([]*scanPackage, error) {
	var packages []*scanPackage
	for _, f := range found.Files {
		if f.Kind == scan.TGSP {
			packages = append(packages, &scanPackage{Package: f.Path})
		}
	}
	done := make(chan error, 1)
	go func() {
		packages = joinMounts(packages, found.Mounts)
		done <- openAll(ctx, a, packages, trust)
	}()
	// Whoever interrupts does not wait for storage that does not answer.
	select {
	case err := <-done:
		return packages, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// openAll opens packages, several at a time.
func openAll(ctx context.Context, a *app, packages []*scanPackage, trust *container.Trust) error {
	group := new(errgroup.Group)
	group.SetLimit(scanOpeners)
	for _, p := range packages {
		group.Go(func() error {
			p.open(a, trust)
			if !p.counts && len(p.MountedAt) > 0 {
				p.measure(ctx)
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}

// joinMounts adds the packages behind the mounts. One that was found as a file
// too, or that is mounted twice, is one package.
func joinMounts(packages []*scanPackage, mounts []scan.Mount) []*scanPackage {
	files := make([]os.FileInfo, len(packages))
	for i, p := range packages {
		files[i], _ = os.Stat(p.Package) // opening it says what is wrong
	}
	for _, m := range mounts {
		info, _ := os.Stat(m.Source) // as above
		at := -1
		for i, p := range packages {
			if p.Package == m.Source || info != nil && files[i] != nil && os.SameFile(info, files[i]) {
				at = i
				break
			}
		}
		if at < 0 {
			at = len(packages)
			packages, files = append(packages, &scanPackage{Package: m.Source}), append(files, info)
		}
		packages[at].MountedAt = append(packages[at].MountedAt, m.Dir)
	}
	return packages
}

// open fills in what the package says, which is checked for its signatures.
func (p *scanPackage) open(a *app, trust *container.Trust) {
	f, err := container.OpenFile(p.Package)
	if err != nil {
		p.Error = a.describe(about(p.Package, err))
		if failure := classify(err); failure == failFailed || failure == failBusy {
			p.failed = err // another time it may open
		}
		return
	}
	defer f.Close() //nolint:errcheck // only read
	e := f.Claims()
	accepted, err := f.Accept(trust)
	if err == nil {
		e = accepted.Envelope
	}
	m := e.Manifest()
	p.counts, p.Bytes = true, int64(m.PayloadLength) //nolint:gosec // bounded by the format
	p.scanRelease = &scanRelease{
		PackageID: m.PackageID, Version: m.Version, CreatedAt: container.FormatTime(m.CreatedAt),
		AuthorID: m.AuthorID.String(), Author: e.Author().String(), Trusted: err == nil,
		Signatures: signatureViews(e, trust), Policy: newPolicyView(m.Policy), State: windowState(m.Policy, time.Now()),
		Unfinished: f.Unfinished() != nil, ContentHash: m.ContentHash.String(), Size: f.Size(), window: m.Policy,
	}
}

// measure counts a mount by the files that it shows, where the package behind it
// cannot be opened: it may have been removed, or be another user's.
func (p *scanPackage) measure(ctx context.Context) {
	bytes, err := scan.MountSize(ctx, p.MountedAt[0])
	if err != nil {
		p.failed = errors.Join(p.failed, err)
		return
	}
	p.counts, p.Bytes, p.failed = true, bytes, nil
}

// windowState says what a policy's window means at a time.
func windowState(policy container.Policy, now time.Time) string {
	policy.TargetFleet = nil
	refused := new(container.PolicyError)
	switch err := policy.Check(container.Facts{Now: now}); {
	case !errors.As(err, &refused):
		return scanOpen
	case refused.Clause == container.ClauseNotBefore:
		return scanNotYetOpen
	}
	return scanExpired
}
