// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
)

// dropFolder removes the folder that was made for a program of exec. One with the
// mounts of several packages goes with the last of them: for the others it would
// vanish, in their namespace too.
func (s *mountState) dropFolder() error {
	if s.Folder == "" {
		return nil
	}
	if s.Mountpoint != s.Folder {
		if err := ignoreMissing(os.Remove(s.Mountpoint)); err != nil { // in another namespace it is not there
			return err
		}
	}
	stay, err := s.neighbours()
	if err == nil && len(stay) > 0 {
		// Of two that end at the same time each sees that the other leaves.
		err = s.change(func(*mountState) bool { s.Leaving = true; return true })
		if err == nil {
			stay, err = s.neighbours()
		}
	}
	if err != nil || len(stay) > 0 {
		return err
	}
	return ignoreServed(os.Remove(s.Folder))
}

// neighbours are the mounts of other packages for the same program that stay.
func (s *mountState) neighbours() ([]*mountState, error) {
	states, err := mountStates()
	return slices.DeleteFunc(states, func(other *mountState) bool {
		return other.Folder != s.Folder || other.file == s.file || other.Leaving || !other.alive()
	}), err
}
