// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/authority"
	"github.com/tensorguard/tgsp/crypto/fleet"
)

func newFleetCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fleet",
		Short: "Let packages open for a whole fleet of agents",
		Long: `A package can open for a fleet: for every agent that the fleet's authority has
enrolled, be it one or a million, and for nobody else. It does not grow with the
fleet, and the packer needs nothing but the fleet's public file.

The authority makes the fleet (create), takes in agents by the files that they
send (enroll), and shuts them out (revoke): that begins a new epoch, whose secret
they do not get. It hands each agent a small bundle (export --agent).

An agent sends its request (request) and installs what it is handed (install).
Secret keys never travel.`,
		Example: `  tgsp fleet request -o gate-7.request             # the agent
  tgsp fleet create robots                         # the authority
  tgsp fleet enroll robots gate-7.request
  tgsp fleet export robots --agent gate-7 -o gate-7.bundle
  tgsp fleet export robots -o robots.fleet         # for packers
  tgsp fleet install gate-7.bundle                 # the agent
  tgsp pack my-model -o my-model.tgsp --fleet robots.fleet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("say what: %s create|request|enroll|revoke|rotate|show|export|install", cmd.CommandPath())
		},
	}
	cmd.AddCommand(
		newFleetCreateCommand(a), newFleetRequestCommand(a), newFleetEnrollCommand(a), newFleetRevokeCommand(a),
		newFleetRotateCommand(a), newFleetShowCommand(a), newFleetExportCommand(a), newFleetInstallCommand(a),
	)
	return cmd
}

// fleetDir returns the folder of a fleet that this user is the authority of.
func fleetDir(name string) (string, error) {
	if err := fleet.CheckName(name); err != nil {
		return "", &usageError{err}
	}
	dir, err := inHome(fleetFolder)
	return filepath.Join(dir, name), err
}

// openFleet opens a fleet that this user is the authority of.
func (a *app) openFleet(name string) (*authority.Store, error) {
	dir, err := fleetDir(name)
	if err != nil {
		return nil, err
	}
	s, err := authority.Open(dir)
	switch {
	case errors.Is(err, authority.ErrNotWhole):
		return nil, notWhole(err, dir)
	case errors.Is(err, fs.ErrNotExist):
		return nil, withHint(fmt.Errorf("there is no fleet %s here: %w", name, err), "make it with: tgsp fleet create %s — or see: tgsp fleet show", name)
	case err != nil:
		return nil, err
	}
	for _, file := range authority.SecretFiles(dir) {
		a.checkPermissions(file)
	}
	return s, nil
}

// notWhole adds the next step for a folder that is there and no whole fleet's.
func notWhole(err error, dir string) error {
	return withHint(err, "put back what is missing from a copy, or remove the folder: %s", removeCommand(dir))
}

// fleetFolders returns the names of the fleets that this user is the authority of.
// What else lies beside them must not keep anybody from using them.
func (a *app) fleetFolders() ([]string, error) {
	dir, err := inHome(fleetFolder)
	if err != nil {
		return nil, err
	}
	names, err := authority.List(dir)
	return slices.DeleteFunc(names, func(name string) bool {
		folder := filepath.Join(dir, name)
		err := authority.CheckWhole(folder)
		if fleet.CheckName(name) != nil {
			err = fmt.Errorf("%s: no fleet is called so", folder)
		}
		if err != nil {
			a.leaveOut(err)
		}
		return err != nil
	}), err
}

// leaveOut warns of a folder that is not looked at; the error names it.
func (a *app) leaveOut(why error) {
	a.warnf("not looked at: %s; if it is not needed, remove it", escaped(why.Error()))
}

const day = 24 * time.Hour

// parseDays reads a duration that may be in days, such as 90d.
func parseDays(flag, s string) (time.Duration, error) {
	bad := usagef("--%s %q: want a time such as 90d or 12h", flag, s)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 16)
		if err != nil || days == 0 {
			return 0, bad
		}
		return time.Duration(days) * day, nil // at most 65535 days
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, bad
	}
	return d, nil
}
