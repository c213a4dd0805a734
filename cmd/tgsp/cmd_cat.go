// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/container"
)

// catPiece is how much cat reads at once: as much as is checked in one go.
const catPiece = 1 << 20

type catOptions struct{ openFlags }

func newCatCommand(a *app) *cobra.Command {
	o := &catOptions{}
	cmd := &cobra.Command{
		Use:   "cat PKG PATH…",
		Short: "Write files of a package to standard output",
		Long: `Writes files of a package to standard output, one after the other, without
mounting it. Every byte is checked against the author's signature before it is
written; where one is not right, the output ends before it.`,
		Example: `  tgsp cat model.tgsp config.json`,
		Args:    cobra.MinimumNArgs(2),
		RunE: o.onRecord(a, func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), a, args[0], args[1:])
		}),
	}
	o.add(cmd.Flags())
	o.addRollback(cmd.Flags())
	return cmd
}

func (o *catOptions) run(ctx context.Context, a *app, name string, paths []string) error {
	r, err := o.open(a, name)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	files := make([]int, len(paths))
	for i, p := range paths {
		if files[i], err = findFile(r, p); err != nil {
			return about(name, err)
		}
	}
	for _, file := range files {
		if err := writeFile(ctx, a.stdout, r, file); err != nil {
			return about(name, err)
		}
	}
	return nil
}

// findFile returns the number of a file by its path.
func findFile(r *container.Reader, p string) (int, error) {
	clean := strings.TrimPrefix(path.Clean("/"+p), "/")
	var near []string
	for i, e := range r.Files() {
		if e.Path == clean {
			return i, nil
		}
		if strings.EqualFold(path.Base(e.Path), path.Base(clean)) || strings.HasPrefix(e.Path, clean+"/") {
			near = append(near, e.Path)
		}
	}
	err := fmt.Errorf("there is no file %q in the package", p)
	if len(near) > 0 {
		return 0, withHint(err, "is it one of these? %s", shortList(near))
	}
	return 0, withHint(err, "see: tgsp ls PKG")
}

func writeFile(ctx context.Context, w io.Writer, r *container.Reader, file int) error {
	buf := make([]byte, catPiece)
	size := int64(r.Files()[file].Size) //nolint:gosec // bounded by the format
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.ReadFileAt(file, buf, off)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		off += int64(n)
		if err != nil && off < size {
			return err
		}
	}
	return nil
}
