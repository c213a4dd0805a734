// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/cobra"

type doctorOptions struct {
	resetClock bool
	resetState bool
}

func newDoctorCommand(a *app) *cobra.Command {
	o := &doctorOptions{}
	cmd := &cobra.Command{
		Use:   "doctor [--json]",
		Short: "Look at this machine and at what tgsp remembers",
		Long: `Looks at what tgsp needs on this machine, the kernel and FUSE, namespaces for exec,
memory locks, processor, clock, keys, trust and disk, and says what to do where
something is wrong. A line below one that is ok is what more there could be. That something is wrong is no failure of doctor: it exits with 0, and with
--json "ok" tells.

tgsp remembers the latest time that this machine's clock has shown, and of every
package that it has opened the newest version, in state.json in the home folder.
So a clock that was set back, and an older package, are found out.

If the clock was ahead for a while, as after a wrong time from the network, it
seems to have gone back when it is right again. --reset-clock makes the present
time the latest. Look first whether the clock is right.

If state.json was damaged or removed, packages that are open only for a time are
refused, and with --no-rollback all. --reset-state begins a new one, which knows
only the present time. An older package is then not found out until the newest
was opened once more.

Both are noted in state.log, with the old and the new time and the user.

settings.json in the home folder holds what is to hold for every run:
  {"no_rollback": true}             older packages are refused, as with --no-rollback
  {"audit_log": "/var/log/x.log"}   openings go on record, as with --audit-log`,
		Example: `  tgsp doctor
  tgsp doctor --reset-clock`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	cmd.Flags().BoolVar(&o.resetClock, "reset-clock", false, "take the present time for right")
	cmd.Flags().BoolVar(&o.resetState, "reset-state", false, "forget all that tgsp remembers")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func (o *doctorOptions) run(a *app) error {
	switch {
	case o.resetClock && o.resetState:
		return usagef("--reset-state forgets the clock too: leave --reset-clock out")
	case o.resetClock:
		return a.resetClock()
	case o.resetState:
		return a.resetState()
	}
	return a.examine()
}

// doctorView is what doctor --json shows.
type doctorView struct {
	OK     bool           `json:"ok"` // every check is
	Checks []*doctorCheck `json:"checks"`
}

func (a *app) examine() error {
	v := &doctorView{OK: true}
	for _, check := range a.doctorChecks() {
		c := check()
		v.OK = v.OK && c.OK
		v.Checks = append(v.Checks, c)
	}
	if a.json {
		return a.writeJSON(v)
	}
	for _, c := range v.Checks {
		mark := "ok   "
		if !c.OK {
			mark = "WRONG"
		}
		a.printf("%s  %-9s %s\n", mark, c.Name, escaped(c.Found))
		if c.Next != "" {
			a.printf("       %-9s %s\n", "", c.Next)
		}
	}
	return nil
}
