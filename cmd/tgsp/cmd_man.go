// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/manpage"
)

// newManCommand writes the manual pages, for who makes packages of this program:
// tgsp man DIR. No help shows it.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write manual pages to a folder",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := sourceDate()
			if err != nil {
				return err
			}
			book := &manpage.Book{
				Date:       date,
				Source:     "tgsp " + builtFrom().Version,
				Title:      "TGSP",
				ExitStatus: exitCodes,
				Root:       manSections,
			}
			return book.Write(cmd.Root(), args[0])
		},
	}
}

// sourceDate is the date of the pages: now, unless whoever builds names another
// so that the same source gives the same bytes.
func sourceDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH: %v", err)
	}
	return time.Unix(seconds, 0), nil
}

// manSections end the page of tgsp itself.
var manSections = []manpage.Section{
	{Title: "ENVIRONMENT", Text: `TGSP_HOME names the folder for keys, trust and what is remembered, in place of
tgsp in the user's configuration (~/.config). Services have their own: see
/usr/share/doc/tgsp/README.md.`},
	{Title: "SYSTEMS", Text: `On Windows mounts need WinFsp. On macOS they need macFUSE and a program that was built
with cgo; others end with exit status 17, and extract writes what is in a package to a
folder. exec and preload are for Linux.`},
	{Title: "FILES", Text: `  author.key, identity.key   secret keys, made by tgsp init
  trust.json                 authors that you trust
  settings.json              rules for every verb: see tgsp-doctor(1)
  state.json, state.key      what was opened, and when
  run/                       states and logs of mounts

All of them lie in TGSP_HOME, for their owner alone.`},
}
