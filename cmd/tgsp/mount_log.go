// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tensorguard/tgsp/cmd/tgsp/audit"
)

// openLog opens the log of a mount at its end, for its owner alone. Without a
// name it is made beside the state.
func openLog(name, mountpoint string) (*os.File, error) {
	if name == "" {
		dir, err := makeHome(runFolder)
		if err != nil {
			return nil, withHint(err, "name another place for the log with --log FILE, or stay in the foreground with -f")
		}
		name = filepath.Join(dir, stateName(mountpoint, os.Getpid())+".log")
	}
	return openLogFile(name)
}

// logTells reports whether a log holds what somebody should read.
func logTells(name string) (bool, error) {
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if line != "" && lineTells(line) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// lineTells reports whether a line is an error, says that the mount was closed
// without its user's wish, or is not a logger's, such as those of a crash.
func lineTells(line string) bool {
	switch {
	case !strings.HasPrefix(line, "time="), strings.Contains(line, " level=ERROR "):
		return true
	case strings.Contains(line, " level=WARN msg="+string(audit.Expired)+" "):
		return true
	case strings.Contains(line, " level=WARN msg="+string(audit.Revoked)+" "):
		return !strings.Contains(line, ` reason="`+onRequest+`"`)
	}
	return false
}

// removeLog removes a log that tells nothing.
func removeLog(name string) error {
	tells, err := logTells(name)
	if err != nil || tells {
		return err
	}
	return os.Remove(name)
}

// keptLogs lists the logs that mounts have left because they tell something.
func keptLogs(states []*mountState) ([]string, error) {
	names, err := listHome(runFolder, ".log")
	if err != nil {
		return nil, err
	}
	var kept []string
	for _, name := range names {
		if slices.ContainsFunc(states, func(s *mountState) bool { return s.Log == name }) {
			continue
		}
		// One that cannot be read may have gone away by itself.
		if tells, err := logTells(name); err == nil && tells {
			kept = append(kept, name)
		}
	}
	return kept, nil
}
