// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"
)

// TestBuiltFrom tells versions as the build's flags and as Go's own record say them.
func TestBuiltFrom(t *testing.T) {
	oldVersion, oldCommit, oldTime := version, commit, commitTime
	defer func() { version, commit, commitTime = oldVersion, oldCommit, oldTime }()
	const hash = "0123456789abcdef0123456789abcdef01234567"
	for want, flags := range map[string][3]string{
		"v1.2.3, commit 0123456789ab of 2026-01-01T00:00:00Z":                                    {"v1.2.3", hash, "1767225600"},
		"v1.2.3-4-g0123456789ab-dirty, commit 0123456789ab of 2026-01-01T00:00:00Z with changes": {"v1.2.3-4-g0123456789ab-dirty", hash, "1767225600"},
		"dev":                         {"dev", "", ""},
		"v1.2.3, commit 0123456789ab": {"v1.2.3", hash, ""},
	} {
		version, commit, commitTime = flags[0], flags[1], flags[2]
		if got := builtFrom().String(); got != want {
			t.Errorf("set by the build: %q, want %q", got, want)
		}
	}
	for want, info := range map[string]*debug.BuildInfo{
		"dev":    nil,
		"v1.2.3": {Main: debug.Module{Version: "v1.2.3"}}, // go install of a version
		"dev, commit 0123456789ab of 2026-01-01T00:00:00Z with changes": {
			Main:     debug.Module{Version: "(devel)"},
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: hash}, {Key: "vcs.time", Value: "2026-01-01T00:00:00Z"}, {Key: "vcs.modified", Value: "true"}},
		},
	} {
		if got := recordedIn(info).String(); got != want {
			t.Errorf("recorded by Go: %q, want %q", got, want)
		}
	}
}
