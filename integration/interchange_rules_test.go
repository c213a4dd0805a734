// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/integration/rig"
)

// TestSecondReaderKnowsCodePoints compares the rules for names at every code
// point that both readers' Unicode assigns: which can be names, and which are
// equal after folding.
func TestSecondReaderKnowsCodePoints(t *testing.T) {
	r := rig.Collect(secondReader(t, "unicode_table.py"))
	if r.Code != 0 {
		t.Fatal(r)
	}
	first := map[string]string{} // of the names with one folded form
	var distinct []string
	lines, pairs := 0, 0
	for line := range strings.Lines(r.Stdout) {
		var code rune
		var fit int
		var folded []byte
		if _, err := fmt.Sscanf(line, "%x %d %x", &code, &fit, &folded); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if !assigned(code) {
			continue
		}
		lines++
		name := string(code)
		if err := container.CheckPath(name); (err == nil) != (fit == 1) {
			t.Errorf("%U: %v, and the second reader says %d", code, err, fit)
		}
		if fit == 0 {
			continue
		}
		other, met := first[string(folded)]
		if !met {
			first[string(folded)] = name
			distinct = append(distinct, name)
		} else if pairs++; container.CheckPaths([]string{other, name}, nil) == nil {
			t.Errorf("%U and %U are equal for the second reader alone", []rune(other), code)
		}
	}
	if err := container.CheckPaths(distinct, nil); err != nil {
		t.Errorf("two names are equal for this program alone: %v", err)
	}
	if lines < 280_000 || pairs < 2000 {
		t.Errorf("only %d code points and %d pairs were compared", lines, pairs)
	}
}

// TestSecondReaderKnowsKeys compares which lines both readers take for keys.
func TestSecondReaderKnowsKeys(t *testing.T) {
	lines := keyLines(t)
	cmd := secondReader(t, "key_lines.py")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	r := rig.Collect(cmd)
	answers := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if r.Code != 0 || len(answers) != len(lines) {
		t.Fatalf("%d answers to %d lines: %s", len(answers), len(lines), r)
	}
	taken := 0
	for i, line := range lines {
		want := "no"
		if isKey(line) {
			want, _, _ = strings.Cut(line, ":")
			taken++
		}
		if answers[i] != want {
			t.Errorf("%.100q: the second reader says %s, want %s", line, answers[i], want)
		}
	}
	if taken < 10 || len(lines)-taken < 100 {
		t.Errorf("%d of %d lines are keys", taken, len(lines))
	}
}

// assigned reports whether this program's Unicode knows a code point.
func assigned(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
}
