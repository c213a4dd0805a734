// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
)

// Names inside the home folder.
const (
	authorKeyFile   = "author.key"
	identityKeyFile = "identity.key"
	trustFile       = "trust.json"
	settingsFile    = "settings.json"
	runFolder       = "run"      // states and logs of mounts
	fleetFolder     = "fleets"   // those that this user is the authority of
	keyringFolder   = "keyrings" // what this agent was handed by fleets
	execFolder      = "exec"     // where programs of exec find their folders; their namespaces hide it
)

// home returns $TGSP_HOME, or the folder tgsp in the user's configuration.
func home() (string, error) {
	if dir := os.Getenv("TGSP_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	config, err := os.UserConfigDir()
	if err != nil {
		return "", withHint(err, "set TGSP_HOME to the folder that is to hold keys and trust")
	}
	return filepath.Join(config, "tgsp"), nil
}

// inHome returns the path of a name in the home folder.
func inHome(name string) (string, error) {
	dir, err := home()
	return filepath.Join(dir, name), err
}

// makeHome makes the home folder, or one inside it, for its owner alone.
func makeHome(inside ...string) (string, error) {
	dir, err := home()
	if err != nil {
		return "", err
	}
	dir = filepath.Join(append([]string{dir}, inside...)...)
	return dir, durable.MkdirAll(dir, 0o700)
}

// readHome reads a file in the home folder; one that does not exist is nil. It
// returns the file's path as well.
func readHome(file string) (name string, data []byte, err error) {
	if name, err = inHome(file); err != nil {
		return "", nil, err
	}
	data, err = os.ReadFile(name)
	return name, data, ignoreMissing(err)
}

// listHome lists the files of a folder in the home folder by their suffix. Where
// there is no folder, there are none.
func listHome(folder, suffix string) ([]string, error) {
	dir, err := inHome(folder)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) == suffix {
			names = append(names, filepath.Join(dir, entry.Name()))
		}
	}
	return names, ignoreMissing(err)
}

// readAtMost reads a file of so many bytes at most; of a longer one it reads one byte
// more.
func readAtMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, most+1))
}

// ignoreMissing makes it no error that a file is gone already.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
