// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// The build sets these: see .package/compile. Of what go build or go install makes
// by itself, Go knows as much.
var version, commit, commitTime string

// source is what a program was built from, as far as that is known.
type source struct {
	Version  string `json:"version"` // as git describes it, or the module's; dev where nobody said
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"commit_time,omitempty"` // RFC 3339, UTC
	Modified bool   `json:"modified,omitempty"`    // with changes that no commit has
}

// builtFrom says what this program was built from.
func builtFrom() source {
	if version != "" {
		s := source{Version: version, Commit: commit, Modified: strings.HasSuffix(version, "-dirty")}
		if seconds, err := strconv.ParseInt(commitTime, 10, 64); err == nil {
			s.Time = time.Unix(seconds, 0).UTC().Format(time.RFC3339)
		}
		return s
	}
	info, _ := debug.ReadBuildInfo()
	return recordedIn(info)
}

// recordedIn is what Go wrote into a program, which may be nothing.
func recordedIn(info *debug.BuildInfo) source {
	s := source{Version: "dev"}
	if info == nil {
		return s
	}
	if v := info.Main.Version; v != "(devel)" {
		s.Version = cmp.Or(v, s.Version)
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			s.Commit = setting.Value
		case "vcs.time":
			s.Time = setting.Value
		case "vcs.modified":
			s.Modified = setting.Value == "true"
		}
	}
	return s
}

// String is how the version is told to people: with the start of the commit.
func (s source) String() string {
	text := s.Version
	if s.Commit != "" {
		text += ", commit " + s.Commit[:min(len(s.Commit), 12)]
		if s.Time != "" {
			text += " of " + s.Time
		}
		if s.Modified {
			text += " with changes"
		}
	}
	return text
}
