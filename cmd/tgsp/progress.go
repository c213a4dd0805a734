// SPDX-License-Identifier: Apache-2.0

package main

import (
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
			bar = progressbar.NewOptions64(total,
				progressbar.OptionSetWriter(a.stderr),
				progressbar.OptionSetDescription(what),
				unit,
				progressbar.OptionUseIECUnits(true),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionFullWidth(),
				progressbar.OptionClearOnFinish(),
				progressbar.OptionSetPredictTime(true),
			)
		}
		bar.Set64(done) //nolint:errcheck,gosec // a display that fails is no reason to stop
	}
	return update, func() {
		if bar != nil {
			bar.Clear() //nolint:errcheck,gosec // as above
		}
	}
}

// count returns a callback that shows how many things a verb has done of a
// number that nobody knows, and a function that ends the display.
func (a *app) count(what string) (update func(done int64), end func()) {
	if a.quiet || a.json || !a.terminal() {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	update = func(done int64) {
		bar.Set64(done) //nolint:errcheck,gosec // a display that fails is no reason to stop
	}
	return update, func() {
		bar.Clear() //nolint:errcheck,gosec // as above
	}
}
