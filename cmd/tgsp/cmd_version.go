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
		Use:   "version [--json]",
		Short: "Show the version of tgsp and of the format",
		Long: `Shows the version of tgsp, the commit that it was built from with the time of
that, the version of the package format, and what it was built with and for. A
version that ends in -dirty had changes that no commit has.`,
		Example: `  tgsp version
  tgsp version --json | jq -r .commit`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if a.json {
				return a.writeJSON(struct {
					source
					FormatVersion int    `json:"format_version"`
					Go            string `json:"go"`
					OS            string `json:"os"`
					Arch          string `json:"arch"`
				}{builtFrom(), container.FormatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH})
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
	return fmt.Sprintf("tgsp %s, package format %d, %s %s/%s", builtFrom(), container.FormatVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
