// SPDX-License-Identifier: Apache-2.0

package manpage

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func run(*cobra.Command, []string) {}

// sample is a program with one verb that is shown and others that are not.
func sample() *cobra.Command {
	root := &cobra.Command{
		Use:   "bake",
		Short: "Bake things",
		Long:  "bake's first\nlines.\n\n.so it begins, with \\n and <b> and a_b:\n  one --two\n\n  three\nand goes on.",
		Run:   run,
	}
	root.Flags().BoolP("quiet", "q", false, "say nothing")
	root.Flags().Bool("secret-flag", false, "")
	if err := root.Flags().MarkHidden("secret-flag"); err != nil {
		panic(err) // it was just added
	}
	root.Flags().String("log", "std-err", "log to `FILE`")
	root.Flags().StringArray("pre", nil, "bake `PATH` before")
	root.Flags().Lookup("pre").NoOptDefVal = "all"
	verb := &cobra.Command{Use: "pie FRUIT", Short: "Bake a pie", Run: run, Example: "  bake pie ~/apple\n\n    # more\n  .x"}
	root.AddCommand(verb, &cobra.Command{Use: "burn", Short: "Burn it", Hidden: true, Run: run})
	return root
}

var book = &Book{
	Date:       time.Date(2026, 1, 2, 23, 0, 0, 0, time.FixedZone("", -3600)),
	Source:     `bake "1.0"`,
	Title:      "Baking",
	ExitStatus: "  0  done\n 10  burnt",
	Root:       []Section{{"FILES", "  oven"}},
}

const rootPage = `.TH "BAKE" "1" "2026-01-03" "bake \(dq1.0\(dq" "Baking"
.nh
.ad l
.SH "NAME"
bake \- Bake things
.SH "SYNOPSIS"
\fBbake\fR [\fIOPTION\fR]… VERB …
.SH "DESCRIPTION"
.PP
bake\(aqs first
lines.
.PP
\&.so it begins, with \en and <b> and a_b:
.PP
.RS "4"
.nf
one \-\-two
.fi
.RE
.PP
.RS "4"
.nf
three
.fi
.RE
.PP
and goes on.
.SH "VERBS"
.TP
\fBpie\fR
Bake a pie
.SH "OPTIONS"
.TP
\fB\-h\fR, \fB\-\-help\fR
help for bake
.TP
\fB\-\-log\fR=\fIFILE\fR
log to FILE (default std\-err)
.TP
\fB\-\-pre\fR[=\fIPATH\fR]
bake PATH before
.TP
\fB\-q\fR, \fB\-\-quiet\fR
say nothing
.SH "EXIT STATUS"
.PP
.nf
 0  done
10  burnt
.fi
.SH "FILES"
.PP
.RS "4"
.nf
oven
.fi
.RE
.SH "SEE ALSO"
\fBbake\-pie\fR(1)
`

const verbPage = `.TH "BAKE\-PIE" "1" "2026-01-03" "bake \(dq1.0\(dq" "Baking"
.nh
.ad l
.SH "NAME"
bake\-pie \- Bake a pie
.SH "SYNOPSIS"
\fBbake pie\fR [\fIOPTION\fR]… FRUIT
.SH "DESCRIPTION"
.PP
Bake a pie.
.SH "OPTIONS"
.TP
\fB\-h\fR, \fB\-\-help\fR
help for pie
.SH "EXAMPLES"
.PP
.nf
bake pie \(ti/apple

  # more
\&.x
.fi
.SH "EXIT STATUS"
.PP
.nf
 0  done
10  burnt
.fi
.SH "SEE ALSO"
\fBbake\fR(1)
`

func TestPages(t *testing.T) {
	dir := t.TempDir()
	if err := book.Write(sample(), dir); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"bake.1": rootPage, "bake-pie.1": verbPage}
	if names := entries(t, dir); !slices.Equal(names, slices.Sorted(maps.Keys(want))) {
		t.Errorf("the pages are %q", names)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != text {
			t.Errorf("%s is\n%s\nwant\n%s", name, got, text)
		}
	}
}

func TestNoFolder(t *testing.T) {
	if err := book.Write(sample(), filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("pages were written to a folder that does not exist")
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range list {
		names = append(names, entry.Name())
	}
	return names
}
