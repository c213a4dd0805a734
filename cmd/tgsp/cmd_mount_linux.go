// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"path/filepath"
	"strconv"
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
	preload      []string       // paths in the package
	idle         string         // as given
	idleAfter    time.Duration  // 0 where none was given
	metricsAddr  string         // with its host, once it is settled
	memoryLimit  string         // as given
	memory       int64          // 0 where none was given
	helper       bool           // called in the way of mount(8)
	fake         bool           // and not to mount anything
	readyFD      int            // in a daemon: where to tell that it is ready; else 0
	handed       *handed        // where it is for a program of exec; else nil
	folder       string         // that was made for the program, and goes with it
}

func newMountCommand(a *app) *cobra.Command {
	o := new(mountOptions)
	cmd := &cobra.Command{
		Use:   "mount PKG DIR",
		Short: "Show a package as a read-only folder",
		Long: `mount shows the contents of a package in the folder DIR, which must exist and
be empty. Programs read from it as from any folder; nothing can be written.

What is read is decrypted piece by piece in memory, and never before it was
checked against the author's signature. A changed byte makes the read fail and
stands in the log with file and offset. Nothing is decrypted to disk.

The author must be one that you trust (see tgsp trust), the package's policy
must allow it now, and your identity must be among those it was encrypted for.

mount returns as soon as the folder can be read, and leaves a process behind
that serves it until tgsp umount DIR. With --foreground it serves by itself and
ends when it is interrupted or terminated, which suits services and containers;
a service manager that listens (systemd, Type=notify) hears when it can be read.
tgsp status shows all mounts and where their logs are.

With --audit-log the opening, each defect that a read meets and the end of the
mount go on record, and so does a refusal. Where the log cannot take the opening
nothing is mounted; where it fails later the mount goes on, says so in its log,
and counts what is lost.

Only you can read the folder unless you say --allow-other.

With --preload the files are read into the system's page cache at once, as by
tgsp preload. mount returns when they are there; with --foreground it goes on
beside. Where one cannot be read the mount ends again.

A machine without a battery clock starts with a wrong time. With
--wait-for-clock, mount waits until the time is set, where the package's policy
depends on it.

When the policy's not_after and its grace have passed the mount is closed within
a second, whatever uses it: opening and reading fail (EACCES, or SIGBUS through a
mapping), cached pages and keys go, and the folder is unmounted. --grace uses
less of the grace than the author grants. tgsp umount --revoke closes a mount in
the same way at any time, and so does a bundle that is installed and says that
this agent is not in the package's fleet any more. What programs have copied
stays with them.

--idle-timeout unmounts a folder that no program has had a file open in, listed or
worked in for so long. --metrics shows bytes, failures, refusals, latencies and the
time of expiry at http://ADDR/metrics, on this machine alone unless ADDR names an
address; file names are not among them, and nobody is asked who he is.

--memory-limit is for small machines: the process that serves takes no more than
that, at some cost of speed. Fewer reads go on at a time, and each thread that waits
for one adds a request's buffer for the moment. What does not fit is said before
anything is mounted. The pages that programs read are the system's, which gives
them up when it needs memory, and are not counted.

Options of mount(8) can follow -o, separated by commas: identity=FILE,
identity_command=COMMAND, passphrase_file=FILE, trusted_key=KEY, require_key=KEY, expect=ID[@VERSION], log=FILE, audit_log=DEST,
grace=DURATION, idle_timeout=DURATION, metrics=ADDR, memory_limit=SIZE, preload[=PATH], allow_other, foreground, noexec, no_rollback, allow_rollback,
wait_for_clock. So a line in /etc/fstab or a systemd mount unit works too:
  /srv/model.tgsp  /mnt/model  fuse.tgsp  ro,allow_other,nofail  0  0`,
		Example: `  mkdir -p ~/model
  tgsp mount model.tgsp ~/model
  ls ~/model
  tgsp umount ~/model

  # exactly this release, watched by a service manager
  tgsp mount -f --expect acme/chat@1.2.0 chat.tgsp /srv/chat`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.pkg, o.dir = args[0], args[1]
			return o.run(cmd.Context(), a)
		},
	}
	flags := cmd.Flags()
	o.addServing(flags)
	flags.BoolVarP(&o.foreground, "foreground", "f", false, "serve in this process, log to standard error")
	flags.BoolVar(&o.allowOther, "allow-other", false, "let all users of this machine read the folder")
	flags.StringArrayVarP(&o.extra, "options", "o", nil, "options of mount(8), as `OPT,…`")
	flags.StringArrayVar(&o.preload, "preload", nil, "read everything into memory, or only `PATH` in the package (--preload=PATH, can be repeated)")
	flags.Lookup("preload").NoOptDefVal = everything
	flags.StringVar(&o.idle, "idle-timeout", "", "unmount when nothing has used the folder for `DURATION`, such as 30m")
	flags.StringVar(&o.metricsAddr, "metrics", "", "show counters to Prometheus at `ADDR`, a port of this machine such as 9477 or an address and a port")
	o.addHelper(flags)
	flags.IntVar(&o.readyFD, "ready-fd", 0, "")
	flags.Func("terminal-fd", "", func(value string) error {
		fd, err := strconv.Atoi(value)
		a.takeTerminal(fd)
		return err
	})
	flags.StringVar(&o.folder, "folder", "", "")
	flags.Func("handed", "", func(value string) (err error) {
		o.handed, err = parseHanded(value)
		return err
	})
	hideFlags(flags, "ready-fd", "terminal-fd", "folder", "handed")
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
	if done, err := o.asHelper(); done || err != nil {
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
	switch {
	case o.readyFD != 0:
		return o.serveDaemon(ctx, a)
	case o.foreground:
		return o.serveForeground(ctx, a)
	}
	return o.background(ctx, a)
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

// background leaves a daemon behind.
func (o *mountOptions) background(ctx context.Context, a *app) error {
	d, err := o.startDaemon(a)
	if err != nil {
		return err
	}
	state, err := d.wait(ctx, a)
	if err != nil {
		return err
	}
	if err := o.preloadOrUnmount(ctx, a); err != nil {
		return err
	}
	a.notef("%s %s is mounted at %s\nunmount it with: tgsp umount %s\n", state.PackageID, state.Version, printable(state.Mountpoint), shellQuote(state.Mountpoint))
	return nil
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

// daemonArgs are the arguments with which the daemon gets the same options, and what
// is handed over to it.
func (o *mountOptions) daemonArgs(handed []string) []string {
	args := append([]string{"mount", "--ready-fd=3"}, handed...)
	for _, key := range o.trusted {
		args = append(args, "--trusted-key="+key)
	}
	for _, key := range o.require {
		args = append(args, "--require-key="+key)
	}
	if o.expect != "" {
		args = append(args, "--expect="+o.expect)
	}
	if o.log != "" {
		args = append(args, "--log="+o.log)
	}
	args = append(args, o.rollbackArgs()...)
	if o.waitForClock {
		args = append(args, "--wait-for-clock")
	}
	if o.auditLog != "" {
		args = append(args, "--audit-log="+o.auditLog)
	}
	if o.grace != "" {
		args = append(args, "--grace="+o.grace)
	}
	if o.idle != "" {
		args = append(args, "--idle-timeout="+o.idle)
	}
	if o.memoryLimit != "" {
		args = append(args, "--memory-limit="+o.memoryLimit)
	}
	if o.metricsAddr != "" {
		args = append(args, "--metrics="+o.metricsAddr)
	}
	if o.allowOther {
		args = append(args, "--allow-other")
	}
	if o.handed != nil {
		args = append(args, o.handed.arg(), "--folder="+o.folder)
	}
	if o.noExec {
		args = append(args, "-o", "noexec")
	}
	return append(args, "--", o.pkg, o.dir)
}
