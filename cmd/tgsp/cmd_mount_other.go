// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/spf13/cobra"

func newMountCommand(*app) *cobra.Command {
	return noMountCommand("mount PKG DIR", "Show a package as a read-only folder")
}

func newUmountCommand(*app) *cobra.Command {
	return noMountCommand("umount DIR", "End a mount")
}

func newPreloadCommand(*app) *cobra.Command {
	return noMountCommand("preload DIR [PATH…]", "Read a mount's files into memory before a program asks")
}

func newExecCommand(*app) *cobra.Command {
	return noMountCommand(execVerb+" PKG -- CMD ARG…", "Run a program that alone sees a package's contents")
}

func newStatusCommand(a *app) *cobra.Command {
	cmd := noMountCommand("status", "List the mounts of this machine")
	cmd.Flags().BoolVar(&a.json, "json", false, "write one JSON object")
	return cmd
}

// noMountCommand stands for a verb that needs a mount. It takes any flags, so
// that what it says is not about them.
func noMountCommand(use, short string) *cobra.Command {
	return &cobra.Command{
		Use:                use,
		Short:              short + " (on Linux)",
		Long:               short + ".\n\nMounting works on Linux so far. Here, tgsp extract PKG DIR writes the contents\nof a package to a folder.",
		Example:            "  tgsp extract model.tgsp model",
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(*cobra.Command, []string) error {
			return &reportedError{failMount, "mounting works on Linux so far", "use: tgsp extract PKG DIR"}
		},
	}
}

// mountForm leaves arguments alone: mount(8) is Linux's.
func mountForm(_ *cobra.Command, args []string) []string { return args }
