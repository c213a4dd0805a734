// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// execOptions are the arguments of tgsp exec.
type execOptions struct {
	mountOptions
	models  []execModel
	at      []string // as given: NAME=PKG, and NAME alone in the process that becomes the program
	program []string // with its arguments, as they were given
	inside  int      // in the process that becomes the program: the socket to its parent; else 0
	own     bool     // there: it has namespaces of its own
	private bool     // rather fail than let others see the folder
	json    bool     // show errors as objects, there too
}

func newExecCommand(a *app) *cobra.Command {
	o := new(execOptions)
	cmd := &cobra.Command{
		Use:   "exec PKG|--at NAME=PKG… -- CMD ARG…",
		Short: "Run a program that alone sees a package's contents",
		Long: `exec runs CMD with the contents of a package in a folder that only CMD and what
it starts can see. {} in an argument, and the variable TGSP_MODEL, hold the path
of the folder. Everything else is passed on: standard streams, environment,
signals, and the exit status of CMD. Where tgsp itself fails it is 125, and the
error has the status that follows below; 126 means that CMD cannot be run, 127
that there is none.

Several packages, such as a model and what adapts it, are named with --at: each
lies in the folder NAME inside of {}. They are opened one after the other, and
CMD runs when all of them are.

Nothing needs to be unmounted: the folder is gone when the last of these
programs has ended, also when tgsp is killed meanwhile. The policy holds as it
does for tgsp mount: when not_after passes, or with tgsp umount --revoke PATH,
they lose what they have open. tgsp status shows the folders in use.

Users get it through a user namespace, in which a program keeps its user and its
files but gains no rights by sudo. Where the system grants none, the folder is
one that only you may enter, and exec says so; with --private it fails instead.`,
		Example: `  tgsp exec model.tgsp -- python3 serve.py --weights {}/model.safetensors

  tgsp exec --at base=base.tgsp --at lora=lora.tgsp -- python3 chat.py {}/base {}/lora

  # exactly this release, never an older one
  tgsp exec --expect acme/chat@1.2.0 --no-rollback chat.tgsp -- sh -c 'ls -l "$TGSP_MODEL"'`,
		Args: func(cmd *cobra.Command, args []string) error {
			before := cmd.ArgsLenAtDash()
			named := len(o.at) > 0 && o.inside == 0
			switch {
			case len(args) == 0 && !named, before == 0 && !named:
				return errors.New("name a package")
			case before < 0:
				return errors.New("write -- before the command, so that its options are not taken for those of tgsp")
			case before > 0 && named:
				return errors.New("name each package with --at NAME=PKG, or one without")
			case before > 1:
				return errors.New("only one package goes before the --: name several with --at NAME=PKG")
			case len(args) == before:
				return errors.New("name a command after the --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.json = a.json
			if o.inside != 0 {
				o.program = args[1:]
				return o.becomeProgram(args[0])
			}
			before := cmd.ArgsLenAtDash()
			o.program = args[before:]
			var err error
			if o.models, err = execModels(args[:before], o.at); err != nil {
				return err
			}
			return o.run(cmd.Context(), a)
		},
	}
	flags := cmd.Flags()
	o.addServing(flags)
	flags.StringArrayVar(&o.at, "at", nil, "show the package PKG in the folder NAME, `NAME=PKG`; can be repeated")
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
	if len(o.models) > 1 && (slices.ContainsFunc(o.files, isDescriptor) || isDescriptor(a.secrets.file)) {
		return usagef("what comes through a pipe is there for one package: give several of them a file, or --identity-command")
	}
	space, err := o.newSpace(a)
	if err != nil {
		return err
	}
	states, err := o.serveAll(ctx, a, space)
	if err != nil {
		return errors.Join(err, space.abandon())
	}
	return space.runProgram(ctx, a, states)
}

// serveAll starts the processes that serve the space, one for each package, and waits
// until all of them do. Those that serve already end with the space where one fails.
func (o *execOptions) serveAll(ctx context.Context, a *app, space *space) ([]*mountState, error) {
	defer space.closeHanded()
	var states []*mountState
	for i, m := range o.models {
		one := o.mountOptions
		one.pkg, one.dir, one.folder, one.handed = m.pkg, m.in(space.dir), space.folder, space.handed[i]
		d, err := one.startDaemon(a)
		if err != nil {
			return nil, err
		}
		state, err := d.wait(ctx, a)
		if err != nil {
			return nil, err
		}
		states = append(states, state)
	}
	return states, nil
}
