// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
	"github.com/tensorguard/tgsp/mount"
)

// mountOptions are the arguments of tgsp mount.
type mountOptions struct {
	openFlags
	pkg, dir     string
	foreground   bool
	allowOther   bool
	noExec       bool
	waitForClock bool
	extra        []string // as given with -o
	log          string
	grace        string         // as given
	graceTime    *time.Duration // nil where none was given
	idle         string         // as given
	idleAfter    time.Duration  // 0 where none was given
	metricsAddr  string         // with its host, once it is settled
	memoryLimit  string         // as given
	memory       int64          // 0 where none was given

	systemOptions
}

func newMountCommand(a *app) *cobra.Command {
	o := new(mountOptions)
	cmd := &cobra.Command{
		Use:     "mount PKG DIR",
		Short:   "Show a package as a read-only folder",
		Long:    mountHelp,
		Example: mountExample,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.pkg, o.dir = args[0], args[1]
			return o.run(cmd.Context(), a)
		},
	}
	flags := cmd.Flags()
	o.addServing(flags)
	flags.BoolVar(&o.allowOther, "allow-other", false, "let all users of this machine read the folder")
	flags.StringArrayVarP(&o.extra, "options", "o", nil, "options of mount(8), as `OPT,…`")
	flags.StringVar(&o.idle, "idle-timeout", "", "unmount when nothing has used the folder for `DURATION`, such as 30m")
	flags.StringVar(&o.metricsAddr, "metrics", "", "show counters to Prometheus at `ADDR`, a port of this machine such as 9477 or an address and a port")
	o.addSystem(flags, a)
	return cmd
}

// addServing adds the flags of verbs that leave a process behind that serves.
func (o *mountOptions) addServing(flags *pflag.FlagSet) {
	o.add(flags)
	o.addRollback(flags)
	flags.BoolVar(&o.waitForClock, "wait-for-clock", false, "wait until this machine's clock is set, where the policy depends on it")
	flags.StringVar(&o.grace, "grace", "", "close the folder `DURATION` after not_after, such as 72h (default: what the policy grants, which is also the most)")
	flags.StringVar(&o.memoryLimit, "memory-limit", "", "let the process that serves take no more memory than `SIZE`, such as 64MiB")
	flags.StringVar(&o.log, "log", "", "log to the end of `FILE`, which is kept")
}

func (o *mountOptions) run(ctx context.Context, a *app) error {
	if done, err := o.prepare(); done || err != nil {
		return err
	}
	if err := o.applyExtra(a); err != nil {
		return err
	}
	if err := checkOrder(o.pkg, o.dir); err != nil {
		return err
	}
	if err := o.settle(); err != nil {
		return err
	}
	return o.start(ctx, a)
}

// settle makes sure of what can be judged before anything is opened.
func (o *mountOptions) settle() error {
	err := o.absolute()
	if err == nil && o.grace != "" {
		o.graceTime, err = parseGrace(o.grace)
	}
	if err == nil && o.idle != "" {
		o.idleAfter, err = parseIdle(o.idle)
	}
	if err == nil && o.memoryLimit != "" {
		o.memory, err = parseMemory(o.memoryLimit)
	}
	if err == nil && o.metricsAddr != "" {
		o.metricsAddr, err = metricsAddress(o.metricsAddr)
	}
	return err
}

// absolute makes every path independent of the working directory.
func (o *mountOptions) absolute() (err error) {
	if o.dir != "" { // those of exec are not known yet
		if o.dir, err = mount.Resolve(o.dir); err != nil {
			return err
		}
	}
	var paths []*string
	if o.dir != "" {
		paths = append(paths, &o.pkg)
	}
	if o.log != "" {
		paths = append(paths, &o.log)
	}
	if o.auditLog != "" && audit.IsFile(o.auditLog) {
		paths = append(paths, &o.auditLog)
	}
	for i := range o.files {
		if !isDescriptor(o.files[i]) {
			paths = append(paths, &o.files[i])
		}
	}
	for _, keys := range [][]string{o.trusted, o.require} {
		for i := range keys {
			if !isLine(keys[i]) {
				paths = append(paths, &keys[i])
			}
		}
	}
	for _, path := range paths {
		if *path == "" {
			return usagef("an empty name is no file")
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}
