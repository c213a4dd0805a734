// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// crowd DIR N: gives a file N names, so that looking at all of them takes a while.
func cmdCrowd(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "crowd DIR N")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	first := filepath.Join(dir, "0")
	ts.Check(os.WriteFile(first, make([]byte, 4096), 0o644))
	for i := 1; i < n; i++ {
		ts.Check(os.Link(first, filepath.Join(dir, strconv.Itoa(i))))
	}
}

// barred CODE PROGRAM ARG…: is exits for a program that permissions hold for,
// which they do not for root's.
func cmdBarred(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) > 1, "barred CODE PROGRAM ARG…")
	if os.Getuid() == 0 {
		args = append([]string{args[0], "setpriv", "--bounding-set=-dac_override,-dac_read_search"}, args[1:]...)
	}
	cmdExits(ts, neg, args)
}
