// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"io"
	"runtime"

	"github.com/tensorguard/tgsp/integration/contest"
)

// table prints what was found, in Markdown.
func table(w io.Writer, lines []line, size int64, pairs int) error {
	kernel, err := contest.Kernel()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%d processors, Linux %s, %d MiB of weights, medians of %d alternating rounds:\n\n", runtime.NumCPU(), kernel, size>>20, pairs)
	fmt.Fprint(w, "| framework | version | loads | equal on the mount, under `tgsp exec` and in the plain folder | cold | warm |\n|---|---|---|---|---|---|\n")
	for _, l := range lines {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", l.framework.Name, l.plain.Version, l.way.How,
			l.compared(), l.ratio(true), l.ratio(false))
	}
	_, err = fmt.Fprintln(w, "| TensorRT | | | not measured: no GPU was at hand | | |")
	return err
}

// compared says what was found equal.
func (l line) compared() string {
	return fmt.Sprintf("%s: %d digests, %d MiB", l.framework.Compared, len(l.plain.Tensors), l.plain.Bytes>>20)
}

func (l line) ratio(cold bool) string {
	row, ok := l.rows[cold]
	if !ok {
		return "not measured"
	}
	return fmt.Sprintf("%.2f", row.Ratio.Median)
}
