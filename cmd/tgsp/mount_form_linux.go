// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// mountForm turns the arguments with which mount(8) calls a FUSE file system,
// PKG DIR -o OPT,…, into those of tgsp mount. A word that is a verb stays one,
// whatever files lie about.
func mountForm(root *cobra.Command, args []string) []string {
	if calledAsHelper() {
		return helperForm(args)
	}
	if len(args) < 2 || strings.HasPrefix(args[0], "-") || strings.HasPrefix(args[1], "-") {
		return args
	}
	// Verbs that cobra adds by itself.
	hidden := []string{"help", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	for _, name := range hidden {
		if args[0] == name {
			return args
		}
	}
	if cmd, _, err := root.Find(args[:1]); err == nil && cmd != root {
		return args
	}
	// With -o it is meant so in any case, and mount says what is wrong.
	if info, err := os.Stat(args[0]); err != nil || info.IsDir() {
		if len(args) < 3 || !strings.HasPrefix(args[2], "-o") {
			return args
		}
	}
	return append([]string{"mount", "--helper"}, args...)
}
