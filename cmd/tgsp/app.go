// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// app is what the verbs share: the standard streams and the flags of the root.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer // hides secrets; what goes to stdout is hidden where it is words
	json   bool      // --json of the verb that runs: errors become objects too
	quiet  bool

	secrets passphrases
	clock   func() time.Time // nil for the machine's; tests have others
}

// now returns the time by this machine's clock.
func (a *app) now() time.Time {
	if a.clock != nil {
		return a.clock()
	}
	return time.Now()
}

// printf writes a result for the user to standard output.
func (a *app) printf(format string, args ...any) {
	fmt.Fprint(a.stdout, hideSecrets(fmt.Sprintf(format, args...)))
}

// notef writes a message about what is going on to standard error.
func (a *app) notef(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.stderr, format, args...)
	}
}

// warnf writes a warning to standard error, also with --quiet.
func (a *app) warnf(format string, args ...any) {
	fmt.Fprintf(a.stderr, "tgsp: warning: "+format+"\n", args...)
}

// writeJSON writes one object to standard output.
func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(secretsHidden{a.stdout})
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// terminal reports whether standard error is one, so that progress makes sense.
func (a *app) terminal() bool {
	w, ok := a.stderr.(secretsHidden)
	if !ok {
		return false
	}
	f, ok := w.Writer.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) // descriptors are small
}
