// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Command bench times packing, verifying and reading a package against other
// programs that do the same work on the same data:
//
//	go run ./integration/bench -size 1GiB -pairs 7 -json figures.json -chart figures.svg
//
// Contestants take turns in one run, so that a busy machine burdens them alike,
// and each ratio is taken within a round. Cold runs follow an emptied page
// cache, which needs root; without it they are left out and the report says so. An
// interrupted run reports what it has.
//
// It installs nothing. What it needs, from Debian: fuse3, age, gocryptfs, rclone,
// securefs, python3-torch and python3-numpy. It writes some fourteen times -size
// below -dir and removes it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/tensorguard/tgsp/integration/contest"
)

func main() {
	if name := os.Getenv(childWorkload); name != "" {
		if err := runWorkload(name, os.Args[2], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command's flags.
type options struct {
	size  int64
	pairs int
	dir   string
	json  string
	chart string
	only  *regexp.Regexp // what to measure; nil for everything
}

func parseOptions(args []string, messages io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(messages)
	size := flags.String("size", "1GiB", "bytes of weights in the model, with KiB, MiB or GiB")
	flags.IntVar(&o.pairs, "pairs", 7, "rounds of every comparison")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "folder for everything that is written; its disk is what is measured")
	flags.StringVar(&o.json, "json", "", "file for all figures as JSON")
	flags.StringVar(&o.chart, "chart", "", "file for a chart as SVG")
	flags.Func("only", "measure only what matches this regular expression, such as '^read.*cold'", func(s string) (err error) {
		o.only, err = regexp.Compile(s)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.size, err = contest.ParseSize(*size); err != nil {
		return o, err
	}
	if o.pairs < 1 {
		return o, fmt.Errorf("-pairs %d: at least one", o.pairs)
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, messages io.Writer) (err error) {
	o, err := parseOptions(args, messages)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o, messages)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	report, err := b.measure()
	if report == nil {
		return err
	}
	err = errors.Join(err, report.table(out))
	if o.json != "" {
		err = errors.Join(err, report.save(o.json))
	}
	if o.chart != "" {
		err = errors.Join(err, report.draw(o.chart))
	}
	return err
}
