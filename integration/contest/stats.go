// SPDX-License-Identifier: Apache-2.0

//go:build linux

package contest

import (
	"fmt"
	"math"
	"slices"
)

// Spread is a sample's middle and its quartiles. Medians are compared rather
// than means: one pause of the machine must not decide.
type Spread struct {
	Median float64 `json:"median"`
	Q1     float64 `json:"q1"`
	Q3     float64 `json:"q3"`
}

// iqr is the distance between the quartiles, the measure of noise.
func (s Spread) iqr() float64 { return s.Q3 - s.Q1 }

// spreadOf interpolates linearly between the sorted values.
func spreadOf(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(p float64) float64 {
		x := p * float64(len(sorted)-1)
		low := int(math.Floor(x))
		high := min(low+1, len(sorted)-1)
		return sorted[low] + (x-float64(low))*(sorted[high]-sorted[low])
	}
	return Spread{Median: at(0.5), Q1: at(0.25), Q3: at(0.75)}
}

// verdict says in words how the subject stands against a peer, given both times
// of every round. A difference smaller than its own noise is no difference.
func verdict(subject, peer []float64) string {
	d := make([]float64, len(subject))
	for i := range d {
		d[i] = subject[i] - peer[i]
	}
	switch s := spreadOf(d); {
	case math.Abs(s.Median) <= s.iqr():
		return "within noise"
	case s.Median < 0:
		return "faster"
	default:
		return "slower"
	}
}

// ratios divides the subject's time by the peer's, round by round.
func ratios(subject, peer []float64) []float64 {
	r := make([]float64, len(subject))
	for i := range r {
		r[i] = subject[i] / peer[i]
	}
	return r
}

// Text shows a spread with the given number of decimals.
func (s Spread) Text(decimals int) string {
	return fmt.Sprintf("%.*f [%.*f %.*f]", decimals, s.Median, decimals, s.Q1, decimals, s.Q3)
}
