// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/tensorguard/tgsp/mount"
)

// systemOptions are what mounts have on Linux alone.
type systemOptions struct{}

// mountFlagsHelp is what mounts do alike on all these systems.
const mountFlagsHelp = `
What is read is decrypted piece by piece in memory, and never before it was
checked against the author's signature. A changed byte makes the read fail and
stands in the log with file and offset. Nothing is decrypted to disk.

The author must be one that you trust (see tgsp trust), the package's policy
must allow it now, and your identity must be among those it was encrypted for.

mount serves until it is interrupted or terminated, or told to end by tgsp umount
from elsewhere. tgsp status shows all mounts.

With --audit-log the opening, each defect that a read meets and the end of the
mount go on record, and so does a refusal. Where the log cannot take the opening
nothing is mounted; where it fails later the mount goes on, says so in its log,
and counts what is lost.

Only you can read it unless you say --allow-other.

When the policy's not_after and its grace have passed the mount is closed within
a second: opening and reading fail, and the mount ends. --grace uses less of the
grace than the author grants. tgsp umount --revoke closes a mount in the same way
at any time, and so does a bundle that is installed and says that this agent is
not in the package's fleet any more. What programs have copied stays with them,
and so does what they have mapped, until they end.

--idle-timeout unmounts what no program has had a file or folder open in for so
long. --metrics shows bytes, failures, refusals, latencies and the time of expiry
at http://ADDR/metrics, on this machine alone unless ADDR names an address; file
names are not among them, and nobody is asked who he is. --memory-limit keeps the
process that serves small, at some cost of speed.`

// addSystem adds the flag that scripts for Linux have.
func (o *mountOptions) addSystem(flags *pflag.FlagSet, _ *app) {
	flags.BoolVarP(&o.foreground, "foreground", "f", true, "serve in this process, which is the only way on this system")
}

func (o *mountOptions) addSystemWords(_, _ map[string]func(), _ string) {}

func (o *mountOptions) calledByMount() bool { return false }

// prepare fails early where nothing could be mounted: before a key is asked for.
func (o *mountOptions) prepare() (done bool, err error) {
	if err := mount.Available(); err != nil {
		return false, &mount.Error{Op: "mount", Dir: o.dir, Reason: mount.NoFUSE, Err: err}
	}
	return false, nil
}

// start serves. A service manager can run it, or a window of its own.
func (o *mountOptions) start(ctx context.Context, a *app) error {
	if !o.foreground {
		return withHint(usagef("--foreground=false: on this system mounts are served by the process that was started"), "start it as a service, see: tgsp mount --help")
	}
	a.notef("%s", mountedNotice)
	return o.serveForeground(ctx, a)
}
