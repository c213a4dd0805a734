// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress returns a callback that shows how far a verb is, with rate and time
// left, and a function that ends the display. It shows nothing where standard
// error is no terminal.
func (a *app) progress(what string) (update func(done, total int64), end func()) {
	return a.progressOf(what, progressbar.OptionShowBytes(true))
}

// countAgents makes a display count agents, not bytes.
func countAgents(bar *progressbar.ProgressBar) {
	progressbar.OptionSetItsString("agents")(bar)
	progressbar.OptionShowCount()(bar)
}

// progressOf is progress for things that unit shows how to count.
func (a *app) progressOf(what string, unit progressbar.Option) (update func(done, total int64), end func()) {
	if a.quiet || a.json || !a.terminal() {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	update = func(done, total int64) {
		if bar == nil {
			bar = newBar(a.stderr, what, total, unit, progressbar.OptionUseIECUnits(true), progressbar.OptionFullWidth(), progressbar.OptionSetPredictTime(true))
		}
		bar.Set64(done) //nolint:errcheck,gosec // a display that fails is no reason to stop
	}
	return update, func() {
		if bar != nil {
			bar.Clear() //nolint:errcheck,gosec // as above
		}
	}
}

// newBar makes a display of one line, which it overwrites: it sends no escape
// sequences, so that a console can have it that knows none.
func newBar(w io.Writer, what string, total int64, more ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionClearOnFinish(),
	}, more...)...)
}

// count returns a callback that shows how many things a verb has done of a
// number that nobody knows, and a function that ends the display.
func (a *app) count(what string) (update func(done int64), end func()) {
	if a.quiet || a.json || !a.terminal() {
		return nil, func() {}
	}
	bar := newBar(a.stderr, what, -1, progressbar.OptionShowCount())
	update = func(done int64) {
		bar.Set64(done) //nolint:errcheck,gosec // a display that fails is no reason to stop
	}
	return update, func() {
		bar.Clear() //nolint:errcheck,gosec // as above
	}
}
