// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/schollz/progressbar/v3"
)

// A console of Windows need not know escape sequences, and a line on it is overwritten
// all the same.
func TestProgressSendsNoEscapes(t *testing.T) {
	for name, c := range map[string]struct {
		total int64
		unit  progressbar.Option
	}{"bytes": {1 << 30, progressbar.OptionShowBytes(true)}, "agents": {1000, countAgents}, "of nobody knows how many": {-1, progressbar.OptionShowCount()}} {
		var out bytes.Buffer
		bar := newBar(&out, "packing", c.total, c.unit)
		for i := range int64(5) {
			noError(t, bar.Set64(i*100))
			noError(t, bar.RenderBlank())
		}
		noError(t, bar.Clear())
		if s := out.String(); strings.Contains(s, "\x1b") || !strings.Contains(s, "packing (") && !strings.Contains(s, "\rpacking") {
			t.Errorf("%s: %q", name, s)
		}
	}
}
