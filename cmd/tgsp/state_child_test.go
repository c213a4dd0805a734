// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/tensorguard/tgsp/container"
)

// recordForTest is a program that records DIR NAME COUNT: one fleet of its own
// and one for all, a step further each time. It goes on from where its name was,
// until it is done or killed.
func recordForTest() {
	if err := recordFleets(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func recordFleets(dir, name, count string) error {
	n, err := strconv.ParseUint(count, 10, 64)
	if err != nil {
		return err
	}
	store := &stateStore{dir: dir}
	before, err := store.load()
	if err != nil {
		return err
	}
	done, _ := before.FleetSeen(container.FleetID{0: name[0]})
	for i := done + 1; i <= n; i++ {
		if err := store.update(func(s *agentState) error {
			s.RecordFleet(container.FleetID{0: name[0]}, i, 0)
			s.RecordFleet(container.FleetID{}, i, 0)
			s.raiseFloor(time.Unix(int64(2e9+60*i), 0))
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
