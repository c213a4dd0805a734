// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/spf13/pflag"

// rollbackFlags are the flags of verbs that hand out contents.
type rollbackFlags struct{ noRollback, allowRollback bool }

func (r *rollbackFlags) addRollback(flags *pflag.FlagSet) {
	flags.BoolVar(&r.noRollback, "no-rollback", false, "refuse what is older than what you have opened before")
	flags.BoolVar(&r.allowRollback, "allow-rollback", false, "open it also if it is older, and take it for the newest from now on")
}

// refusesRollback joins flags and settings.
func (r *rollbackFlags) refusesRollback() (bool, error) {
	if r.noRollback && r.allowRollback {
		return false, usagef("--no-rollback and --allow-rollback exclude each other")
	}
	set, err := loadSettings()
	if err != nil {
		return false, err
	}
	return (r.noRollback || set.NoRollback) && !r.allowRollback, nil
}
