// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestSecondReaderAnswersKit has the second reader answer the test kit, where
// each answer must be the one that the case states.
func TestSecondReaderAnswersKit(t *testing.T) {
	var found struct {
		Cases, Answers int
		Different      []string
	}
	cmd := secondReader(t, "kit.py", must(filepath.Abs("../container/testdata/kit"))(t))
	decode(t, rig.Collect(cmd), &found)
	for _, d := range found.Different {
		t.Error(d)
	}
	if found.Cases < 150 || found.Answers < 2*found.Cases {
		t.Errorf("%d cases, %d answers", found.Cases, found.Answers)
	}
	t.Logf("%d cases, %d answers, %d of them different", found.Cases, found.Answers, len(found.Different))
}
