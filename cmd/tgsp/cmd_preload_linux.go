// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tensorguard/tgsp/mount"
)

// preloadVerb is what a mount in the foreground calls.
const preloadVerb = "preload"

func newPreloadCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   preloadVerb + " DIR [PATH…]",
		Short: "Read a mount's files into memory before a program asks",
		Long: `preload reads the files of a mounted package, or those and the folders that are
named by their paths in it, into the system's page cache, as fast as storage and
processors can. Every byte is checked as in any read. A program that loads them
then waits for neither, and shares the memory with all others.

The system gives that memory to other uses when it needs it, and it is free again
when the package is unmounted. Files that do not fit into the memory that is
available are read all the same, and preload warns: what was read first may be
gone then. A byte that is not what the author signed ends it with exit code 13.

tgsp mount --preload does both.`,
		Example: `  tgsp preload ~/model

  # one file, and all of a folder
  tgsp preload ~/model model-00001-of-00002.safetensors tokenizer`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return mountpoints(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := mount.Resolve(args[0])
			if err != nil {
				return err
			}
			table, err := mountTable()
			if err != nil {
				return err
			}
			if _, mounted := table[dir]; !mounted {
				return &mount.Error{Op: preloadVerb, Dir: args[0], Reason: mount.NotMounted, Err: errors.New(whatIsAt(dir))}
			}
			return a.preload(cmd.Context(), dir, args[1:])
		},
	}
	cmd.Flags().BoolVarP(&a.quiet, "quiet", "q", false, "say nothing but warnings and errors")
	cmd.Flags().BoolVar(&a.json, "json", false, "write one JSON object")
	return cmd
}

// preloaded is what preload --json writes.
type preloaded struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// preload reads files of the mount at dir into the page cache: all, or those that
// are named, relative to dir.
func (a *app) preload(ctx context.Context, dir string, paths []string) error {
	p, err := newPreload(dir, paths)
	if err != nil {
		return err
	}
	if room, ok := availableMemory(); ok && p.total > room {
		a.warnf("%s of files, and %s of memory available: what is read first may be gone when the rest is read", byteCount(p.total), byteCount(room))
	}
	update, end := a.progress("preloading")
	err = p.run(ctx, update)
	end()
	if err != nil {
		return unreadable(dir, err)
	}
	if a.json {
		return a.writeJSON(preloaded{p.files, p.total})
	}
	are := "are"
	if p.files == 1 {
		are = "is"
	}
	a.notef("%s, %s, %s in memory\n", countOf(p.files, "file"), byteCount(p.total), are)
	return nil
}

// unreadable adds what the mount tells of a file that cannot be read, or where.
func unreadable(dir string, err error) error {
	if errors.Is(err, context.Canceled) {
		return errInterrupted
	}
	err = fmt.Errorf("preloading: %w", err)
	states, stateErr := mountStates()
	s := latestState(states, dir)
	if stateErr != nil || s == nil {
		return err
	}
	if d := damageMet(s, err); d != nil {
		return &reportedError{d.failure, err.Error() + ": " + d.Message, "tgsp verify checks the whole package"}
	}
	if s.Log != "" {
		return withHint(err, "the reason stands in %s; tgsp verify checks the whole package", printable(s.Log))
	}
	return err
}

// damageMet is what a mount tells of the file that an error names, or nil.
func damageMet(s *mountState, err error) *damagedFile {
	read := new(fs.PathError)
	if !errors.As(err, &read) {
		return nil
	}
	file, err := filepath.Rel(s.Mountpoint, read.Path)
	if err != nil {
		return nil
	}
	return s.damaged(filepath.ToSlash(file))
}
