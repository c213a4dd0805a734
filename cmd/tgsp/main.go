// SPDX-License-Identifier: Apache-2.0

// Command tgsp packs, verifies and mounts protected AI models.
//
// One file holds one verb. Everything that a person sees is made in this
// package, and only here are exit codes chosen: see exit.go.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build; see the Makefile.
var version = "dev"

func main() { os.Exit(run()) }

func run() int {
	hardenProcess()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	err := newRootCommand(a).ExecuteContext(ctx)
	if ctx.Err() != nil && err != nil {
		err = errInterrupted
	}
	return a.report(err)
}
