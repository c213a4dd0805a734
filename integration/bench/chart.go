// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"html"
	"os"
	"strings"
)

// Measures of the chart, in pixels.
const (
	chartWidth = 900
	chartNames = 300
	barHeight  = 14
	groupGap   = 26
)

// draw writes a chart as SVG: for every workload how long each way to read takes,
// as a multiple of the plain folder's time.
func (r *report) draw(path string) error {
	var names []string
	groups := map[string][]bar{}
	for _, x := range r.Rows {
		if len(groups[x.Name]) == 0 {
			names = append(names, x.Name)
			groups[x.Name] = []bar{{x.Subject, x.SubjectSpread.Median}}
		}
		groups[x.Name] = append(groups[x.Name], bar{x.Peer, x.PeerSpread.Median})
	}
	var body strings.Builder
	y, most := 20, 4.0 // longer ones are cut off, and their number says so
	for _, name := range names {
		plain := plainOf(groups[name])
		if plain == 0 {
			continue
		}
		y += groupGap
		fmt.Fprintf(&body, `<text x="8" y="%d" font-weight="bold">%s</text>`+"\n", y-6, html.EscapeString(name))
		for _, b := range groups[name] {
			ratio := b.seconds / plain
			width := min(ratio, most) / most * (chartWidth - chartNames - 80)
			colour := "#9aa5b1"
			if strings.HasPrefix(b.name, "tgsp") || b.name == "mount" {
				colour = "#2f6fde"
			}
			fmt.Fprintf(&body, `<text x="24" y="%d">%s</text><rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/><text x="%.1f" y="%d">%.2f</text>`+"\n",
				y+barHeight-3, html.EscapeString(b.name), chartNames, y+1, width, barHeight-3, colour, chartNames+width+6, y+barHeight-3, ratio)
			y += barHeight
		}
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
<rect width="100%%" height="100%%" fill="white"/>
<text x="8" y="16">time as a multiple of the plain folder's: %d MiB, %d rounds, %d processors, Linux %s</text>
%s</svg>
`, chartWidth, y+20, r.Size>>20, r.Pairs, r.CPUs, html.EscapeString(r.Kernel), body.String())
	return os.WriteFile(path, []byte(svg), 0o644)
}

type bar struct {
	name    string
	seconds float64
}

// plainOf returns the time of the plain folder or file among the bars, or 0.
func plainOf(bars []bar) float64 {
	for _, b := range bars {
		if b.name == "plain" || b.name == "plain file" || b.name == "plain folder" {
			return b.seconds
		}
	}
	return 0
}
