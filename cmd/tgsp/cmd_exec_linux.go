// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
)

// execOptions are the arguments of tgsp exec.
type execOptions struct {
	mountOptions
	program []string // with its arguments, as they were given
	inside  int      // in the process that becomes the program: the socket to its parent; else 0
	own     bool     // there: it has namespaces of its own
	private bool     // rather fail than let others see the folder
	json    bool     // show errors as objects, there too
}

func newExecCommand(a *app) *cobra.Command {
	o := new(execOptions)
	cmd := &cobra.Command{
		Use:   "exec PKG -- CMD ARG…",
		Short: "Run a program that alone sees a package's contents",
		Long: `exec runs CMD with the contents of a package in a folder that only CMD and what
it starts can see. {} in an argument, and the variable TGSP_MODEL, hold the path
of the folder. Everything else is passed on: standard streams, environment,
signals, and the exit status of CMD. Where tgsp itself fails it is 125, and the
error has the status that follows below; 126 means that CMD cannot be run, 127
that there is none.

Nothing needs to be unmounted: the folder is gone when the last of these
programs has ended, also when tgsp is killed meanwhile. The policy holds as it
does for tgsp mount: when not_after passes, or with tgsp umount --revoke PATH,
they lose what they have open. tgsp status shows the folders in use.

Users get it through a user namespace, in which a program keeps its user and its
files but gains no rights by sudo. Where the system grants none, the folder is
one that only you may enter, and exec says so; with --private it fails instead.`,
		Example: `  tgsp exec model.tgsp -- python3 serve.py --weights {}/model.safetensors

  # exactly this release, never an older one
  tgsp exec --expect acme/chat@1.2.0 --no-rollback chat.tgsp -- sh -c 'ls -l "$TGSP_MODEL"'`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 || cmd.ArgsLenAtDash() == 0:
				return errors.New("name a package")
			case cmd.ArgsLenAtDash() < 0:
				return errors.New("write -- before the command, so that its options are not taken for those of tgsp")
			case cmd.ArgsLenAtDash() > 1:
				return errors.New("only one package goes before the --")
			case len(args) == 1:
				return errors.New("name a command after the --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.pkg, o.program, o.json = args[0], args[1:], a.json
			if o.inside != 0 {
				return o.becomeProgram(args[0])
			}
			return o.run(cmd.Context(), a)
		},
	}
	flags := cmd.Flags()
	o.addServing(flags)
	flags.BoolVar(&o.private, "private", false, "fail where the system grants no namespace for the program alone")
	flags.BoolVar(&a.json, "json", false, "show an error as one JSON object")
	flags.IntVar(&o.inside, "inside", 0, "")
	flags.BoolVar(&o.own, "own", false, "")
	hideFlags(flags, "inside", "own")
	return cmd
}

// run opens the package, and lets the program loose when its folder can be read.
func (o *execOptions) run(ctx context.Context, a *app) error {
	if !strings.Contains(o.program[0], placeholder) { // else it lies in the package
		if _, err := findProgram(o.program[0]); err != nil {
			return err
		}
	}
	if err := o.settle(); err != nil {
		return err
	}
	space, err := o.newSpace(a)
	if err != nil {
		return err
	}
	state, err := o.serveIn(ctx, a, space)
	if err != nil {
		return errors.Join(err, space.abandon())
	}
	return space.runProgram(ctx, a, state)
}

// serveIn starts the process that serves the space and waits until it does.
func (o *execOptions) serveIn(ctx context.Context, a *app, space *space) (*mountState, error) {
	o.dir, o.handed = space.dir, space.handed
	d, err := o.startDaemon(a)
	if err = errors.Join(err, o.handed.file.Close()); err != nil { // it has its own by now
		return nil, err
	}
	return d.wait(ctx, a)
}
