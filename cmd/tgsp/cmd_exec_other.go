// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/spf13/cobra"

func newPreloadCommand(*app) *cobra.Command {
	return noCommand("preload DIR [PATH…]", "Read a mount's files into memory before a program asks",
		"no other system lets it be known what its cache keeps", "read the files once, with any program")
}

func newExecCommand(*app) *cobra.Command {
	return noCommand(execVerb+" PKG -- CMD ARG…", "Run a program that alone sees a package's contents",
		"no other system shows a folder to one program alone", "mount the package, for your user alone: tgsp mount PKG DIR")
}

// noCommand stands for a verb that only Linux has. It takes any flags, so that what
// it says is not about them.
func noCommand(use, short, why, instead string) *cobra.Command {
	return &cobra.Command{
		Use:                use,
		Short:              short + " (on Linux)",
		Long:               short + ".\n\nIt works on Linux: " + why + ".\nInstead, " + instead + ".",
		Example:            "  tgsp mount --help",
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return &reportedError{failMount, "tgsp " + cmd.Name() + " works on Linux: " + why, instead}
		},
	}
}

// mountForm leaves arguments alone: mount(8) is Linux's.
func mountForm(_ *cobra.Command, args []string) []string { return args }
