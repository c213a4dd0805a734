// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/crypto/sysfile"
)

func newUmountCommand(a *app) *cobra.Command {
	revoke := false
	cmd := &cobra.Command{
		Use:     "umount DIR",
		Aliases: []string{"unmount"},
		Short:   "End a mount",
		Long:    umountHelp,
		Example: `  tgsp umount ~/model

  # now, whatever uses it
  tgsp umount --revoke ~/model`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return mountpoints(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if revoke {
				return a.revoke(cmd.Context(), args[0])
			}
			return a.umount(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&revoke, "revoke", false, "take away what programs have open and mapped as well")
	return cmd
}

// endTime is how long umount waits for the process that has served a mount.
const endTime = 10 * time.Second

// awaitEnd waits until the process behind a state has ended. One that still
// serves open files goes on; of one that was killed it removes what is left.
func (a *app) awaitEnd(ctx context.Context, s *mountState, lazy bool) error {
	if lazy && s.alive() {
		return nil
	}
	deadline := time.Now().Add(endTime)
	for s.alive() {
		if time.Now().After(deadline) {
			a.warnf("process %d has served %s and has not ended yet; its log: %s", s.PID, printable(s.Mountpoint), printable(s.Log))
			return nil
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-time.After(5 * time.Millisecond):
		}
	}
	if err := s.remove(); err != nil {
		return err
	}
	a.tellOfLog(s)
	return nil
}

// tellOfLog names the log of a mount that has ended, where somebody should read it.
func (a *app) tellOfLog(s *mountState) {
	if tells, err := logTells(s.Log); err == nil && tells && s.Log != "" {
		a.warnf("there were errors while it was mounted; read %s, then delete it", printable(s.Log))
	}
}

// awaitClosed waits until a process has closed its mount: it says so, or has ended.
func (a *app) awaitClosed(ctx context.Context, s *mountState) error {
	for deadline := time.Now().Add(endTime); s.alive(); {
		now, err := s.reload()
		if err != nil && !sysfile.InUse(err) { // on Windows it is in use while it is replaced
			return err
		}
		if now != nil && now.Closed != nil {
			if now.Closed.Left > 0 {
				a.warnf("storage does not answer: parts of files may stay readable to programs that have them open, until it does")
			}
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d has not closed %s within %s; its log: %s", s.PID, printable(s.Mountpoint), endTime, printable(s.Log))
		}
		select {
		case <-ctx.Done():
			return errInterrupted
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// reload reads a state anew; it returns nil where there is none any more.
func (s *mountState) reload() (*mountState, error) {
	data, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseState(s.file, data)
}
