// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strconv"

	"github.com/spf13/pflag"
)

// systemOptions are what mounts have on Linux alone.
type systemOptions struct {
	preload []string // paths in the package
	helper  bool     // called in the way of mount(8)
	fake    bool     // and not to mount anything
	readyFD int      // in a daemon: where to tell that it is ready; else 0
	handed  *handed  // where it is for a program of exec; else nil
	folder  string   // that was made for the program, and goes with it
}

const mountHelp = `mount shows the contents of a package in the folder DIR, which must exist and
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
  /srv/model.tgsp  /mnt/model  fuse.tgsp  ro,allow_other,nofail  0  0`

const mountExample = `  mkdir -p ~/model
  tgsp mount model.tgsp ~/model
  ls ~/model
  tgsp umount ~/model

  # exactly this release, watched by a service manager
  tgsp mount -f --expect acme/chat@1.2.0 chat.tgsp /srv/chat`

// addSystem adds the flags for them.
func (o *mountOptions) addSystem(flags *pflag.FlagSet, a *app) {
	flags.BoolVarP(&o.foreground, "foreground", "f", false, "serve in this process, log to standard error")
	flags.StringArrayVar(&o.preload, "preload", nil, "read everything into memory, or only `PATH` in the package (--preload=PATH, can be repeated)")
	flags.Lookup("preload").NoOptDefVal = everything
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
}

// addSystemWords adds those of -o.
func (o *mountOptions) addSystemWords(valued, plain map[string]func(), value string) {
	valued["preload"] = func() { o.preload = append(o.preload, value) }
	plain["preload"] = func() { o.preload = append(o.preload, everything) }
}

// calledByMount reports whether mount(8) has called.
func (o *mountOptions) calledByMount() bool { return o.helper }

// prepare is asHelper.
func (o *mountOptions) prepare() (done bool, err error) { return o.asHelper() }

// start serves, or leaves a daemon behind that does.
func (o *mountOptions) start(ctx context.Context, a *app) error {
	switch {
	case o.readyFD != 0:
		return o.serveDaemon(ctx, a)
	case o.foreground:
		return o.serveForeground(ctx, a)
	}
	return o.background(ctx, a)
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
