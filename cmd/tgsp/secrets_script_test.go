// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
)

// secret VARIABLE FILE: sets a variable to the secret line in a key file.
func cmdSecret(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "secret VARIABLE FILE")
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		if strings.HasPrefix(line, "tgsp-secret-") {
			ts.Setenv(args[0], strings.TrimSpace(line))
			return
		}
	}
	ts.Fatalf("%s holds no secret line", args[1])
}

// leaks LINE: the last output, on either stream, shows a piece of a secret line.
func cmdLeaks(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 1 && len(args[0]) > secretBodySizes[1], "leaks LINE")
	text := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if piece := shown(text, args[0]); (piece != "") == neg {
		ts.Fatalf("found %q of the secret: %s", piece, text)
	}
}

// store FIELD VALUE: makes a trust store whose one entry has this value.
func cmdStore(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "store FIELD VALUE")
	entry := map[string]any{"key": tgspcrypto.GenerateAuthorKey().Public().String(), "role": "author"}
	entry[args[0]] = args[1]
	if args[0] == "packages" {
		entry[args[0]] = args[1:]
	}
	data, err := json.Marshal(map[string]any{"keys": []any{entry}})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("home/trust.json"), data, 0o600))
}

// guarded LINE ARG…: tgsp ends with a usage error that says what is wrong, and
// shows nothing of a secret line that stands in place of every @ in ARG…, in
// any disguise. With --json the error is an object.
func cmdGuarded(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "guarded LINE ARG…")
	kind, body, _ := strings.Cut(args[0], ":")
	for _, how := range slices.Sorted(maps.Keys(disguises)) {
		words := []string{"3", "tgsp"}
		for _, arg := range args[1:] {
			words = append(words, strings.ReplaceAll(arg, "@", disguises[how](kind, body)))
		}
		cmdExits(ts, false, words)
		cmdLeaks(ts, true, args[:1])
		if !strings.Contains(ts.ReadFile("stderr"), "a secret key stands among the arguments") {
			ts.Fatalf("%s: it does not say what is wrong: %s", how, ts.ReadFile("stderr"))
		}
		if slices.Contains(args, "--json") {
			cmdField(ts, false, []string{"error.kind", "usage", "stderr"})
		}
	}
}
