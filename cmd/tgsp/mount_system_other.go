// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import "github.com/tensorguard/tgsp/mount"

// mountTable returns this user's mounts by mountpoint: the system does not tell which
// are ours, but the processes that serve them do, and none outlives its process.
func mountTable() (map[string]mount.Info, error) {
	states, err := mountStates()
	table := make(map[string]mount.Info, len(states))
	for _, s := range states {
		if s.alive() {
			table[s.Mountpoint] = mount.Info{Dir: s.Mountpoint, Source: s.Package}
		}
	}
	return table, err
}

func disconnected(string) bool { return false }
