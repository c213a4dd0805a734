// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"
	"testing"
	"time"
)

// TestGraceIsNamed reads what a refusal after the window says, up to a grace of
// more years than a time.Duration has.
func TestGraceIsNamed(t *testing.T) {
	const end = 1_000_000_000
	for grace, want := range map[uint64]string{
		0: "a time before 2001-09-09T01:46:40Z, got", 5: "a time before 2001-09-09T01:46:40Z and 5s of grace, got", 90_000: " and 25h0m0s of grace, got",
		9_223_372_036: " and 2562047h47m16s of grace, got", 9_223_372_037: " and 9223372037s of grace, got", maxTime: " and 253402300799s of grace, got",
	} {
		p := Policy{NotAfter: end, GraceSeconds: grace}
		check(t, p.validate())
		last := time.Unix(end+int64(grace), 0)
		if err := p.Check(Facts{Now: last.Add(-time.Second)}); err != nil {
			t.Errorf("the last second of %d: %v", grace, err)
		}
		if err := p.Check(Facts{Now: last}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after a grace of %d seconds: %v, want %q", grace, err, want)
		}
		if !p.End().Equal(last) {
			t.Errorf("a grace of %d seconds ends %v, want %v", grace, p.End(), last)
		}
	}
	if end := (Policy{NotBefore: 1}).End(); !end.IsZero() {
		t.Errorf("a policy without an end ends %v", end)
	}
}
