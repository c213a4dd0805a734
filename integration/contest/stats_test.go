// SPDX-License-Identifier: Apache-2.0

//go:build linux

package contest

import "testing"

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{5, 1, 4, 2, 3}, Spread{3, 2, 4}},
		{[]float64{4, 1, 3, 2}, Spread{2.5, 1.75, 3.25}},
	} {
		if got := spreadOf(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestVerdict(t *testing.T) {
	quiet, noisy := []float64{1, 1.01, 0.99, 1, 1.02}, []float64{0.6, 1.5, 0.9, 1.4, 1.1}
	for _, c := range []struct {
		subject, peer []float64
		want          string
	}{
		{quiet, []float64{2, 2, 2, 2, 2}, "faster"},
		{quiet, []float64{0.5, 0.5, 0.5, 0.5, 0.5}, "slower"},
		{quiet, noisy, "within noise"},
		{quiet, quiet, "within noise"},
	} {
		if got := verdict(c.subject, c.peer); got != c.want {
			t.Errorf("%v against %v: %s, want %s", c.subject, c.peer, got, c.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"1": 1, "3KiB": 3 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30} {
		if got, err := ParseSize(s); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "GiB", "-1", "0", "1GB", "99999999999GiB"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("%q was taken as %d", s, n)
		}
	}
}
