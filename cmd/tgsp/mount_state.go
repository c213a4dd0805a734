// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tensorguard/tgsp/cmd/tgsp/durable"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// mountState is what the process that serves a mount writes about itself, for
// umount and status to find.
type mountState struct {
	Mountpoint   string     `json:"mountpoint"`
	Package      string     `json:"package"` // path of the file
	PackageID    string     `json:"package_id"`
	Version      string     `json:"version"`
	ManifestHash string     `json:"manifest_hash"`
	PID          int        `json:"pid"`
	PIDStart     uint64     `json:"pid_start"` // tells a process from a later one with its number
	Host         string     `json:"host"`      // a home may be shared by several machines
	BootID       string     `json:"boot_id"`
	Foreground   bool       `json:"foreground"`
	Private      bool       `json:"private,omitempty"` // for a program of exec, which alone sees it
	Folder       string     `json:"folder,omitempty"`  // that was made for it
	MountedAt    time.Time  `json:"mounted_at"`
	NotAfter     *time.Time `json:"not_after,omitempty"`
	OpenUntil    *time.Time `json:"open_until,omitempty"`  // not_after and the grace after it
	FleetUntil   *time.Time `json:"fleet_until,omitempty"` // end of the fleet's file that it was opened by
	Log          string     `json:"log,omitempty"`
	Metrics      string     `json:"metrics,omitempty"` // where they are to be had

	Leaving bool `json:"leaving,omitempty"` // with several packages for a program: it has ended

	Closed  *closedState  `json:"closed,omitempty"`  // where it ended while programs used it
	Damaged []damagedFile `json:"damaged,omitempty"` // files that could not be read, at most maxDamaged

	file  string     // where the state stands
	mu    sync.Mutex // of change
	ended bool       // nothing is written any more
}

// stateName is the name of a state and its log in the folder run, without an
// extension. The process's number belongs to it: after a lazy unmount one
// process may still serve open files while the next mounts at the same place.
func stateName(mountpoint string, pid int) string {
	host, _ := os.Hostname() // an empty name does as well
	sum := sha256.Sum256([]byte(host + "\x00" + mountpoint))
	return fmt.Sprintf("%x-%d", sum[:8], pid)
}

// identify fills in which process of which machine this is.
func (s *mountState) identify() (err error) {
	s.PID = os.Getpid()
	if s.PIDStart, err = processStart(s.PID); err != nil {
		return err
	}
	s.Host, s.BootID = thisHost()
	return nil
}

func thisHost() (host, boot string) {
	host, _ = os.Hostname() // an empty name does as well
	return host, bootID()
}

// save writes the state for others to find.
func (s *mountState) save() error {
	dir, err := makeHome(runFolder)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	s.file = filepath.Join(dir, stateName(s.Mountpoint, s.PID)+".json")
	return durable.WriteFile(s.file, append(data, '\n'), 0o600)
}

// change saves the state if it was changed, unless the mount has ended: several
// goroutines of the process that serves it may have something to tell.
func (s *mountState) change(what func(*mountState) (changed bool)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !what(s) {
		return nil
	}
	return s.save()
}

// remove takes the state away, and its log where nobody needs to read it.
func (s *mountState) remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	err := ignoreMissing(sysfile.Remove(s.file))
	if s.ownLog() {
		err = errors.Join(err, ignoreMissing(removeLog(s.Log)))
	}
	return err
}

// ownLog reports whether the log lies where no user has put it.
func (s *mountState) ownLog() bool {
	dir, err := inHome(runFolder)
	return err == nil && s.Log != "" && filepath.Dir(s.Log) == dir
}

// alive reports whether the process that wrote the state still runs.
func (s *mountState) alive() bool {
	start, err := processStart(s.PID)
	_, boot := thisHost()
	return err == nil && start == s.PIDStart && boot == s.BootID
}

// mountStates reads the states of this machine. One that cannot be read is left
// out: it cannot be of a mount that works.
func mountStates() ([]*mountState, error) {
	names, err := listHome(runFolder, ".json")
	if err != nil {
		return nil, err
	}
	host, _ := thisHost()
	var states []*mountState
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if s, err := parseState(name, data); err == nil && s.Host == host {
			states = append(states, s)
		}
	}
	return states, nil
}

func parseState(name string, data []byte) (*mountState, error) {
	s := &mountState{file: name}
	return s, json.Unmarshal(data, s)
}

// latestState returns the state of the last mount at a place, or nil.
func latestState(states []*mountState, dir string) *mountState {
	var latest *mountState
	for _, s := range states {
		if s.Mountpoint == dir && (latest == nil || s.PIDStart > latest.PIDStart) {
			latest = s
		}
	}
	return latest
}

// cleanStates removes what killed processes have left. A mount that one of them
// has left keeps its state: status shows it until somebody unmounts it.
func cleanStates() error {
	states, err := mountStates()
	if err != nil {
		return err
	}
	table, err := mountTable()
	if err != nil {
		return err
	}
	for _, s := range states {
		_, mounted := table[s.Mountpoint]
		if s.alive() || mounted && latestState(states, s.Mountpoint) == s {
			continue
		}
		err = errors.Join(err, s.dropFolder(), s.remove())
	}
	return err
}
