// SPDX-License-Identifier: Apache-2.0

// Command tgsp packs, verifies and mounts protected AI models.
//
// One file holds one verb. Everything that a person sees is made in this
// package, and only here are exit codes chosen: see exit.go.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
)

func main() { os.Exit(supervised(run)) }

// waitingThreads is how many threads may wait in system calls beside those that
// compute. The scheduler notices only after a while that a thread waits in a
// read past the page cache, and until then nothing else runs in its place: with
// two processors cold reads through a mount took a tenth longer. More than a few
// gain nothing, and each keeps buffers of its own.
const waitingThreads = 2

// endSignals are those that end what is going on. One that this process was
// started to ignore, as a shell does for what runs behind its back, stays ignored,
// for a program of exec too.
func endSignals() []os.Signal {
	signals := []os.Signal{syscall.SIGTERM}
	if !signal.Ignored(os.Interrupt) {
		signals = append(signals, os.Interrupt)
	}
	return signals
}

func run(ctx context.Context) int {
	hardenProcess()
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + waitingThreads)
	}
	ctx, stop := signal.NotifyContext(ctx, endSignals()...)
	defer stop()
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: secretsHidden{os.Stderr}, secrets: passphrases{asking: ctx}}
	defer a.secrets.forget()
	if err := refuseSecrets(os.Args[1:]); err != nil {
		a.json = slices.Contains(os.Args, "--json") // no flag has been parsed yet
		code := a.report(err)
		if len(os.Args) > 1 && os.Args[1] == execVerb {
			return ownFailure
		}
		return code
	}
	cmd, err := newRootCommand(a).ExecuteContextC(ctx)
	if end := new(programEnd); errors.As(err, &end) {
		a.report(end.err)
		return end.status
	}
	if ctx.Err() != nil && err != nil {
		err = errInterrupted
	}
	code := a.report(err)
	if code != 0 && cmd.Name() == execVerb {
		return ownFailure // other statuses are the program's
	}
	return code
}
