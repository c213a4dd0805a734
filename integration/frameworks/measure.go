// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os/exec"

	"github.com/tensorguard/tgsp/integration/contest"
	"github.com/tensorguard/tgsp/integration/framework"
)

// line is what was found of one way in which a framework loads.
type line struct {
	framework framework.Framework
	way       framework.Way
	plain     framework.Result // with digests; the others' are equal
	rows      map[bool]contest.Row
}

// measure goes through all ways. Where it fails, what was measured before comes back.
func (s *stage) measure(rules contest.Rules) ([]line, error) {
	var lines []line
	for _, f := range framework.All() {
		plain, err := s.compare(f, rules)
		if err != nil {
			return lines, fmt.Errorf("%s: %w", f.Name, err)
		}
		for i, w := range f.Ways {
			l := line{f, w, plain[i], make(map[bool]contest.Row)}
			for _, cold := range contest.Temperatures() {
				rows, err := s.loading(l, cold).Hold(rules)
				if err != nil {
					return lines, err
				}
				l.rows[cold] = rows[0]
				rules.Say("%.3f s, plain folder %.3f s, ratio %s", rows[0].SubjectSpread.Median, rows[0].PeerSpread.Median, rows[0].Ratio.Text(2))
			}
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// compare loads in all ways from the plain folder, the mount and under tgsp exec, and
// fails where what was loaded differs.
func (s *stage) compare(f framework.Framework, rules contest.Rules) ([]framework.Result, error) {
	rules.Say("%s: comparing what is loaded", f.Name)
	var plain []framework.Result
	for _, place := range []struct {
		name    string
		command func(string, ...string) *exec.Cmd
		dir     string
	}{
		{"the plain folder", s.user.Exec, s.plain},
		{"the mount", s.user.Exec, s.mount.Dir},
		{"tgsp exec", s.alone, "{}"},
	} {
		if err := rules.Context.Err(); err != nil {
			return nil, err
		}
		args := s.kit.Args(f, f.Modes(), place.dir)
		list, err := framework.Run(place.command(args[0], args[1:]...), f.Modes(), func() error { return nil })
		if err != nil {
			return nil, err
		}
		if plain == nil {
			plain = list
		}
		if err := framework.Alike(plain, list); err != nil {
			return nil, fmt.Errorf("from %s: %w", place.name, err)
		}
	}
	return plain, nil
}

func (s *stage) loading(l line, cold bool) contest.Contest {
	load := func(dir string) func() (float64, error) {
		return func() (float64, error) { return s.kit.Seconds(s.user, l.framework, l.way.Mode, dir, cold) }
	}
	return contest.Contest{
		Name: l.framework.Name + ", " + l.way.How, Bytes: l.plain.Bytes, Cold: cold, Late: true,
		Field: []contest.Contestant{
			{Name: "mount", Run: load(s.mount.Dir)},
			{Name: "plain folder", Run: load(s.plain)},
		},
	}
}
