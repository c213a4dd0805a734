// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/cmd/tgsp/scan"
)

func newScanCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "scan PATH… [--json]",
		Short: "Tell how many of the model weights here are in packages",
		Long: `Walks folders and tells which share of the model weights in them is in TGSP
packages, by files and by bytes, and which lies there raw. It shows the largest
raw files, and for every package who signed it, whether you trust them, and
whether its policy lets it open now.

Weights are known by their contents, whatever the files are called: safetensors,
GGUF, ONNX, PyTorch (ZIP and pickle), TensorRT engines, TFLite. Data without a
header is not seen, such as that beside an ONNX model, nor is what lies in other
archives.

A package counts as one file, with the bytes of its payload: what of it is
weights only a recipient can tell. A mount counts as the package behind it, once,
and is not read. A file counts once, however many names it has. Links are
followed only where they are given as PATH.

Signatures are checked, every byte is not: that is tgsp verify. The exit status
is 0 whatever is found, and 1 where something could not be read; the rest is
shown then too.`,
		Example: `  tgsp scan /srv/models
  tgsp scan ~/.cache/huggingface /mnt/model --json`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runScan(cmd.Context(), a, args) },
	}
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and notes")
	cmd.Flags().BoolVar(&a.json, "json", false, "show one JSON object")
	return cmd
}

func runScan(ctx context.Context, a *app, paths []string) error {
	trust, err := new(trustFlags).trust() // the trust store alone
	if err != nil {
		return err
	}
	table, err := mountTable()
	if err != nil {
		return err
	}
	var mounts []scan.Mount
	for dir, info := range table {
		mounts = append(mounts, scan.Mount{Dir: dir, Source: info.Source})
	}
	update, end := a.count("files looked at")
	found, err := scan.Walk(ctx, paths, mounts, update)
	end()
	if err != nil {
		return err
	}
	packages, err := a.scanPackages(ctx, found, trust)
	if err != nil {
		return err
	}
	v := newScanView(found, packages)
	if a.json {
		err = a.writeJSON(v)
	} else {
		a.showScan(v)
	}
	if err == nil && len(v.Warnings) > 0 {
		err = fmt.Errorf("%s could not be read, so the shares may be wrong", countOf(len(v.Warnings), "place"))
		for i := range v.Warnings {
			if errors.Is(v.Warnings[i].err, fs.ErrPermission) {
				return withHint(err, "scan as a user who may read them")
			}
		}
	}
	return err
}
