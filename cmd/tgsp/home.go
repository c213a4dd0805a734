// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
	return dir, os.MkdirAll(dir, 0o700)
}

// ignoreMissing makes it no error that a file is gone already.
func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
