// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tensorguard/tgsp/container"
	"github.com/tensorguard/tgsp/crypto/sysfile"
)

// doctorCheck is one thing that doctor looked at.
type doctorCheck struct {
	Name   string            `json:"name"`
	OK     bool              `json:"ok"`
	Found  string            `json:"found"`
	Next   string            `json:"next,omitempty"` // what to do about it
	Values map[string]string `json:"values,omitempty"`
}

// doctorChecks lists the checks in the order in which one builds on the other.
func (a *app) doctorChecks() []func() *doctorCheck {
	m := recall()
	checks := []func() *doctorCheck{
		checkHome,
		checkSettings,
		func() *doctorCheck { return checkState(m) },
		func() *doctorCheck { return a.checkClock(m) },
	}
	// Before any key is read, see checkNamespaces.
	checks = append(checks, machineChecks()...)
	return append(checks, checkProcessor, checkKeys, checkTrust)
}

// failed makes a check of an error.
func (c *doctorCheck) failed(err error) *doctorCheck {
	c.OK, c.Found = false, err.Error()
	if h := new(hintError); errors.As(err, &h) {
		c.Next = h.hint
	} else {
		c.Next = hintFor(err)
	}
	return c
}

func checkHome() *doctorCheck {
	c := &doctorCheck{Name: "home", OK: true}
	dir, err := home()
	if err != nil {
		return c.failed(err)
	}
	c.Found, c.Values = dir, map[string]string{"path": dir}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.Found += ", which does not exist yet"
		c.Next = "make keys, and the folder with them: tgsp init"
	case err != nil:
		return c.failed(err)
	case !info.IsDir():
		return c.failed(withHint(fmt.Errorf("%s is not a folder", dir), "set TGSP_HOME to a folder"))
	}
	if shared, err := sysfile.WritableByOthers(dir); err == nil && shared {
		return c.failed(withHint(fmt.Errorf("%s can be written to by other users: they decide whom you trust", dir), "%s", ownerAloneCommand(dir, true)))
	}
	return c
}

func checkSettings() *doctorCheck {
	c := &doctorCheck{Name: "settings", OK: true, Found: "older packages are opened, where no flag forbids it"}
	set, err := loadSettings()
	if err != nil {
		return c.failed(err)
	}
	if set.NoRollback {
		c.Found = "older packages are refused, where no flag allows them"
	}
	if set.AuditLog != "" {
		c.Found += "; openings go on record in " + printable(set.AuditLog)
	}
	return c
}

func checkState(m *memory) *doctorCheck {
	c := &doctorCheck{Name: "state", OK: true}
	if m.err != nil {
		return c.failed(m.err)
	}
	if m.state.Format == 0 {
		c.Found = "nothing is remembered yet"
		return c
	}
	c.Found = fmt.Sprintf("%s is as tgsp wrote it: it knows %s and %s", m.store.path(stateFile),
		countOf(len(m.state.Packages), "package"), countOf(len(m.state.Fleets), "fleet"))
	return c
}

func (a *app) checkClock(m *memory) *doctorCheck {
	facts := container.Facts{Now: a.now(), Floor: m.state.floor()}
	now := facts.Now.UTC().Format(time.RFC3339)
	c := &doctorCheck{Name: "clock", OK: true, Found: "it shows " + now, Values: map[string]string{"now": now}}
	if !facts.Floor.IsZero() {
		floor := container.FormatTime(m.state.Floor)
		c.Values["floor"] = floor
		c.Found += "; the latest time that is remembered is " + floor
	}
	if err := facts.CheckClock(); err != nil {
		return c.failed(err)
	}
	return c
}
