// SPDX-License-Identifier: Apache-2.0

package manpage

import (
	"fmt"
	"strings"
)

// roff collects the source of a page, in the macros of man(7).
type roff struct{ strings.Builder }

// special are characters that man(7) shows as others, or obeys. A hyphen that is
// not escaped becomes one that no shell takes for an option's.
var special = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

// literal returns a text that is shown as it is.
func literal(text string) string { return special.Replace(text) }

func bold(text string) string { return `\fB` + literal(text) + `\fR` }

func italic(text string) string { return `\fI` + literal(text) + `\fR` }

// line writes a line of text that is not obeyed, whatever it begins with.
func (r *roff) line(text string) {
	if strings.HasPrefix(text, ".") {
		text = `\&` + text
	}
	fmt.Fprintln(r, text)
}

// macro writes a line that is obeyed. Its arguments are quoted.
func (r *roff) macro(name string, args ...string) {
	fmt.Fprint(r, ".", name)
	for _, arg := range args {
		fmt.Fprintf(r, ` "%s"`, strings.ReplaceAll(arg, `"`, `\(dq`))
	}
	fmt.Fprintln(r)
}

// prose writes paragraphs, which empty lines part. Lines that are indented stay
// as they are, as in the help.
func (r *roff) prose(text string) {
	parted := true
	verbatim := false
	for text := range strings.Lines(strings.Trim(text, "\n")) {
		text = strings.TrimRight(text, "\n\t ")
		indented := strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t")
		switch {
		case verbatim && !indented:
			r.macro("fi")
			r.macro("RE")
			verbatim, parted = false, true
		case !verbatim && indented:
			r.macro("PP")
			r.macro("RS", "4")
			r.macro("nf")
			verbatim, parted = true, false
		}
		switch {
		case text == "":
			parted = true
		case verbatim:
			r.line(literal(strings.TrimLeft(text, " \t")))
		default:
			if parted {
				r.macro("PP")
			}
			r.line(literal(strings.TrimPrefix(text, "#### "))) // a title in a text of cobra's
			parted = false
		}
	}
	if verbatim {
		r.macro("fi")
		r.macro("RE")
	}
}

// block writes a text as it is, less the indentation that all of its lines have.
func (r *roff) block(text string) {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	indent := -1
	for _, line := range lines {
		if n := len(line) - len(strings.TrimLeft(line, " ")); line != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	r.macro("PP")
	r.macro("nf")
	for _, line := range lines {
		r.line(literal(line[min(max(indent, 0), len(line)):]))
	}
	r.macro("fi")
}
