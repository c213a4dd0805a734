// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command frameworks has frameworks load models through a mount and under tgsp exec,
// holds what they load against what they load from the plain folder, and times the
// mount against that:
//
//	go run ./integration/frameworks -size 1GiB -pairs 5
//
// It prints a table in Markdown. Cold runs follow an emptied page cache, which needs
// root; without it they are left out.
//
// It installs nothing. What it needs, from Debian: fuse3, python3-torch, python3-numpy
// and python3-opencv, and what .ci/node installs. It writes some ten times -size below
// -dir and removes it. OpenCV needs some four times -size of memory, which is why no
// more than 1 GiB of weights lie in one file in the format of ONNX.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/tensorguard/tgsp/integration/contest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "frameworks:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	flags := flag.NewFlagSet("frameworks", flag.ContinueOnError)
	flags.SetOutput(messages)
	sizeText := flags.String("size", "256MiB", "bytes of weights in each model, with KiB, MiB or GiB")
	pairs := flags.Int("pairs", 5, "rounds of every comparison")
	dir := flags.String("dir", os.TempDir(), "folder for everything that is written; its disk is what is measured")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	size, err := contest.ParseSize(*sizeText)
	if err != nil {
		return err
	}
	if flags.NArg() > 0 || *pairs < 1 {
		return fmt.Errorf("arguments %q, -pairs %d: want none, and at least one", flags.Args(), *pairs)
	}
	say := func(format string, args ...any) { fmt.Fprintf(messages, "frameworks: "+format+"\n", args...) }
	s, err := newStage(ctx, *dir, size, say)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	lines, err := s.measure(contest.Rules{Context: ctx, Rounds: *pairs, Say: say})
	return errors.Join(err, table(out, lines, size, *pairs))
}
