// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tgsp",
		Short: "Pack, verify and mount protected AI models",
		Long: `tgsp packs a model into a signed and encrypted .tgsp package, and shows a
package as a read-only folder from which frameworks load weights unchanged.`,
		Example: `  tgsp init                          # keys for you, once
  tgsp pack my-model -o model.tgsp   # encrypt and sign
  tgsp mount model.tgsp /mnt/model   # use it`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if cmd.Name() != execVerb { // which reads no keys itself
				keepHardened()
			}
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	root.AddCommand(a.commands()...)
	root.InitDefaultCompletionCmd()
	dress(root)
	root.PersistentFlags().StringVar(&a.secrets.file, "passphrase-file", "", "open protected secret keys with the first line of `FILE`")
	root.SetArgs(mountForm(root, os.Args[1:]))
	return root
}

// hideFlags keeps flags out of the help that are for processes and tests of ours.
func hideFlags(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if err := flags.MarkHidden(name); err != nil {
			panic(err) // the caller has just added it
		}
	}
}

// completeArgument offers what the verb's use line asks for: packages for PKG,
// folders for DIR.
func completeArgument(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	_, form, _ := strings.Cut(cmd.Use, " ")
	words := strings.Fields(form)
	if len(args) >= len(words) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	switch words[len(args)] {
	case "PKG":
		return []string{"tgsp"}, cobra.ShellCompDirectiveFilterFileExt
	case "DIR":
		return nil, cobra.ShellCompDirectiveFilterDirs
	case "MODEL":
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// argumentCount is how cobra says that there are too many or too few arguments.
var argumentCount = regexp.MustCompile(`^(?:accepts|requires) \D*(\d+).* received (\d+)$`)

// plainArguments is an error about arguments in words of ours.
func plainArguments(err error) error {
	m := argumentCount.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	least, _ := strconv.Atoi(m[1]) // both are numbers
	got, _ := strconv.Atoi(m[2])
	if got < least {
		return errors.New("too few arguments")
	}
	return errors.New("too many arguments")
}

// dress gives a verb and its own verbs what all have in common: errors about
// arguments are usage errors, and the help ends in the exit codes.
func dress(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return withHint(&usageError{plainArguments(err)}, "usage: %s %s; see: %s --help", strings.TrimSuffix(cmd.CommandPath(), " "+cmd.Name()), cmd.Use, cmd.CommandPath())
			}
			return nil
		}
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = completeArgument
	}
	cmd.DisableFlagsInUseLine = true
	// Its own verbs first: one without a template has that of the verb above.
	for _, sub := range cmd.Commands() {
		dress(sub)
	}
	if cmd.Name() != "completion" {
		cmd.SetUsageTemplate(cmd.UsageTemplate() + exitStatus + "\n")
	}
}
