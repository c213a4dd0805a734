// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// States of a mount, as status shows them.
const (
	mountServing  = "serving"
	mountDetached = "detached" // unmounted while files were open, and still serving those
	mountClosed   = "closed"   // by its policy or its user while files were open
	mountDead     = "dead"     // the folder is there, the process is not
	mountForeign  = "foreign"  // of another user, or of one with another home
)

// mountEntry is one mount as status shows it. Of a foreign one only the first
// three fields are known.
type mountEntry struct {
	Mountpoint   string     `json:"mountpoint"`
	Package      string     `json:"package"`
	State        string     `json:"state"`
	PackageID    string     `json:"package_id,omitempty"`
	Version      string     `json:"version,omitempty"`
	ManifestHash string     `json:"manifest_hash,omitempty"`
	PID          int        `json:"pid,omitempty"`
	Foreground   bool       `json:"foreground,omitempty"`
	Private      bool       `json:"private,omitempty"`
	MountedAt    *time.Time `json:"mounted_at,omitempty"`
	NotAfter     *time.Time `json:"not_after,omitempty"`
	OpenUntil    *time.Time `json:"open_until,omitempty"`
	FleetUntil   *time.Time `json:"fleet_until,omitempty"`
	Log          string     `json:"log,omitempty"`
	Metrics      string     `json:"metrics,omitempty"`

	Closed  *closedState  `json:"closed,omitempty"`
	Damaged []damagedFile `json:"damaged,omitempty"`
	Hint    string        `json:"hint,omitempty"`
}

// mountStatus is what status --json writes.
type mountStatus struct {
	Mounts []mountEntry `json:"mounts"`
	Logs   []string     `json:"logs,omitempty"` // of mounts that had errors or were closed by their policy
}

func newStatusCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the mounts of this machine",
		Long: `status lists the folders in which packages are mounted: which package and
version, by which process, since when, until when its policy keeps it open, and
which files it could not read to a program, because they were altered or storage
failed.

It also shows mounts that were closed and are still held open, mounts whose
process was killed, with the command that cleans up, and the logs of past mounts
that had errors or were closed by their policy.`,
		Example: `  tgsp status
  tgsp status --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			status, err := gatherStatus()
			if err != nil {
				return err
			}
			if a.json {
				return a.writeJSON(status)
			}
			a.printStatus(status)
			return nil
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "write one JSON object")
	return cmd
}

// gatherStatus joins the kernel's table of mounts with what the processes that
// serve them have written.
func gatherStatus() (*mountStatus, error) {
	if err := cleanStates(); err != nil {
		return nil, err
	}
	states, err := mountStates()
	if err != nil {
		return nil, err
	}
	table, err := mountTable()
	if err != nil {
		return nil, err
	}
	status := &mountStatus{Mounts: []mountEntry{}}
	for _, s := range states {
		info, mounted := table[s.Mountpoint]
		latest := latestState(states, s.Mountpoint) == s
		entry := s.entry()
		switch {
		case s.alive() && s.Closed != nil:
			entry.State = mountClosed
		case s.alive() && (s.Private || mounted && latest):
			entry.State = mountServing
		case s.alive():
			entry.State = mountDetached
		case mounted && latest:
			entry.State = mountDead
			entry.Hint = unmountHint(s.Mountpoint)
		default:
			continue // ended since it was read
		}
		if mounted && latest {
			delete(table, info.Dir)
		}
		status.Mounts = append(status.Mounts, entry)
	}
	for dir, info := range table {
		entry := mountEntry{Mountpoint: dir, Package: info.Source, State: mountForeign}
		if disconnected(dir) {
			entry.State, entry.Hint = mountDead, unmountHint(dir)
		}
		status.Mounts = append(status.Mounts, entry)
	}
	slices.SortFunc(status.Mounts, func(x, y mountEntry) int { return cmp.Compare(x.Mountpoint, y.Mountpoint) })
	status.Logs, err = keptLogs(states)
	return status, err
}

func (s *mountState) entry() mountEntry {
	return mountEntry{
		Mountpoint: s.Mountpoint, Package: s.Package, PackageID: s.PackageID, Version: s.Version,
		ManifestHash: s.ManifestHash, PID: s.PID, Foreground: s.Foreground, Private: s.Private, MountedAt: &s.MountedAt,
		NotAfter: s.NotAfter, OpenUntil: s.OpenUntil, FleetUntil: s.FleetUntil, Log: s.Log, Metrics: s.Metrics,
		Closed: s.Closed, Damaged: s.Damaged,
	}
}

func unmountHint(dir string) string { return "tgsp umount " + shellQuote(dir) }

func (a *app) printStatus(status *mountStatus) {
	if len(status.Mounts) == 0 {
		a.notef("nothing is mounted\n")
	}
	for i := range status.Mounts {
		a.printMount(&status.Mounts[i])
	}
	for _, log := range status.Logs {
		a.printf("log of a mount that had errors or was closed by its policy: %s (delete it when you have read it)\n", printable(log))
	}
}

func (a *app) printMount(e *mountEntry) {
	a.printf("%s\n", printable(e.Mountpoint))
	a.printf("  package     %s\n", printable(e.Package))
	if e.PackageID != "" {
		a.printf("  release     %s %s\n", printable(e.PackageID), printable(e.Version))
	}
	switch e.State {
	case mountServing:
		how := ""
		switch {
		case e.Foreground:
			how = ", in the foreground"
		case e.Private:
			how = ", for the programs of a tgsp exec alone"
		}
		a.printf("  served by   process %d%s\n", e.PID, how)
	case mountDetached:
		a.printf("  detached    process %d still serves files that are open, and ends when the last is closed\n", e.PID)
	case mountClosed:
		a.printf("  closed      %s (%s: %s); process %d ends when the last file is closed that is still open\n",
			e.Closed.At.Local().Format(time.RFC3339), e.Closed.Event, printable(e.Closed.Reason), e.PID)
	case mountDead:
		a.printf("  dead        the process that served it is gone; clean up with: %s\n", e.Hint)
	case mountForeign:
		a.printf("  served by   a process of another user or another TGSP_HOME\n")
	}
	if e.MountedAt != nil {
		a.printf("  since       %s\n", e.MountedAt.Local().Format(time.RFC3339))
		a.printf("  open until  %s\n", openUntil(e))
		if e.FleetUntil != nil {
			a.printf("              the fleet's file ends at %s; a newer one that is installed prolongs it\n", e.FleetUntil.Local().Format(time.RFC3339))
		}
	}
	for _, d := range e.Damaged {
		a.printf("  damaged     %s: %s\n", printable(d.File), d.Message)
	}
	if e.Log != "" {
		a.printf("  log         %s\n", printable(e.Log))
	}
	if e.Metrics != "" {
		a.printf("  metrics     %s\n", printable(e.Metrics))
	}
}

// openUntil says when the policy ends.
func openUntil(e *mountEntry) string {
	switch {
	case e.OpenUntil == nil || e.NotAfter == nil:
		return "no limit"
	case !e.OpenUntil.Equal(*e.NotAfter):
		return e.OpenUntil.Local().Format(time.RFC3339) + " (not_after " + e.NotAfter.Local().Format(time.RFC3339) + " and grace)"
	default:
		return e.OpenUntil.Local().Format(time.RFC3339)
	}
}
