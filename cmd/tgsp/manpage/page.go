// SPDX-License-Identifier: Apache-2.0

// Package manpage writes manual pages for section 1 of the manual from a command
// and its verbs. They say what the help says.
//
// Cobra has such a thing too. It goes by way of Markdown, takes words such as
// a_b and <c> for its own, shows flags as --quiet[=false], and needs three more
// modules in the program.
package manpage

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Section is a part of a page.
type Section struct{ Title, Text string }

// Book is what all pages have in common.
type Book struct {
	Date       time.Time
	Source     string    // name and version of the program
	Title      string    // of the manual that the pages belong to
	ExitStatus string    // a table, shown as it is
	Root       []Section // for the page of the program itself
}

// Write writes a page for a command, and one for each of its verbs, to dir.
func (b *Book) Write(cmd *cobra.Command, dir string) error {
	if err := os.WriteFile(filepath.Join(dir, name(cmd)+".1"), []byte(b.page(cmd)), 0o644); err != nil {
		return err
	}
	for _, verb := range verbs(cmd) {
		if err := b.Write(verb, dir); err != nil {
			return err
		}
	}
	return nil
}

// name is that of a command's page.
func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// verbs are those that the help shows, but help itself.
func verbs(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(cmd.Commands()), func(verb *cobra.Command) bool {
		return !verb.IsAvailableCommand() || verb.Name() == "help"
	})
}

func (b *Book) page(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	r := new(roff)
	r.macro("TH", literal(strings.ToUpper(name(cmd))), "1", b.Date.UTC().Format(time.DateOnly), literal(b.Source), literal(b.Title))
	fmt.Fprint(r, ".nh\n.ad l\n") // no words are broken, nor lines stretched
	r.macro("SH", "NAME")
	r.line(literal(name(cmd)) + ` \- ` + literal(cmd.Short))
	r.macro("SH", "SYNOPSIS")
	r.line(synopsis(cmd))
	r.macro("SH", "DESCRIPTION")
	if cmd.Long != "" {
		r.prose(cmd.Long)
	} else {
		r.prose(cmd.Short + ".")
	}
	if list := verbs(cmd); len(list) > 0 {
		r.macro("SH", "VERBS")
		for _, verb := range list {
			r.macro("TP")
			r.line(bold(verb.Name()))
			r.line(literal(verb.Short))
		}
	}
	r.macro("SH", "OPTIONS")
	cmd.LocalFlags().VisitAll(r.flag)
	if cmd.Example != "" {
		r.macro("SH", "EXAMPLES")
		r.block(cmd.Example)
	}
	r.macro("SH", "EXIT STATUS")
	r.block(b.ExitStatus)
	if !cmd.HasParent() {
		for _, section := range b.Root {
			r.macro("SH", section.Title)
			r.prose(section.Text)
		}
	}
	r.seeAlso(cmd)
	return r.String()
}

// synopsis is the command's use, with room for its options.
func synopsis(cmd *cobra.Command) string {
	words := strings.Split(cmd.Use, " ")[1:]
	if len(verbs(cmd)) > 0 {
		words = []string{"VERB …"}
	}
	text := bold(cmd.CommandPath())
	if !strings.Contains(cmd.Use, "[-") {
		text += " [" + italic("OPTION") + "]…"
	}
	for _, word := range words {
		text += " " + literal(word)
	}
	return text
}

// flag writes an option with its value, if it takes one, and its use.
func (r *roff) flag(flag *pflag.Flag) {
	if flag.Hidden {
		return
	}
	value, usage := pflag.UnquoteUsage(flag)
	text := bold("--" + flag.Name)
	if flag.Shorthand != "" {
		text = bold("-"+flag.Shorthand) + ", " + text
	}
	if value != "" {
		value = "=" + italic(value)
		if flag.NoOptDefVal != "" {
			value = "[" + value + "]"
		}
		text += value
	}
	r.macro("TP")
	r.line(text)
	if value != "" && !slices.Contains([]string{"", "[]", "0", "0s"}, flag.DefValue) {
		usage += " (default " + flag.DefValue + ")"
	}
	r.line(literal(usage))
}

// seeAlso names the pages above and below.
func (r *roff) seeAlso(cmd *cobra.Command) {
	var pages []string
	if cmd.HasParent() {
		pages = append(pages, name(cmd.Parent()))
	}
	for _, verb := range verbs(cmd) {
		pages = append(pages, name(verb))
	}
	if len(pages) == 0 {
		return
	}
	r.macro("SH", "SEE ALSO")
	for i, page := range pages {
		end := ","
		if i == len(pages)-1 {
			end = ""
		}
		r.line(bold(page) + "(1)" + end)
	}
}
