// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
)

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version [--json]",
		Short:   "Show the version of tgsp and of the format",
		Example: `  tgsp version`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.writeJSON(map[string]any{
					"version": version, "format_version": container.FormatVersion,
					"go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
				})
			}
			a.printf("%s\n", versionText())
			return nil
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

// versionText is what the verb and the flag --version show.
func versionText() string {
	return fmt.Sprintf("tgsp %s, package format %d, %s %s/%s", version, container.FormatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
