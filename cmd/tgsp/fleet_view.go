// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/tensorguard/tgsp/crypto/fleet"
)

// fleetView is a fleet file as --json shows it. Its names are stable.
type fleetView struct {
	Name       string `json:"name"`
	FleetID    string `json:"fleet_id"`
	Epoch      uint64 `json:"epoch"`
	Oldest     uint64 `json:"oldest_epoch"`
	Serial     uint64 `json:"serial"`
	KEM        string `json:"kem"`
	PublicKey  string `json:"public_key"`
	Agents     int64  `json:"agents"`
	IssuedAt   string `json:"issued_at"`
	ValidUntil string `json:"valid_until"`
	Valid      bool   `json:"valid"`
}

func newFleetView(f *fleet.File) fleetView {
	return fleetView{
		Name: f.Name(), FleetID: f.ID().String(), Epoch: f.Epoch(), Oldest: f.Oldest(), Serial: f.Serial(), KEM: string(f.KEM()),
		PublicKey: f.Recipient().String(), Agents: f.Agents(), IssuedAt: f.IssuedAt().Format(time.RFC3339),
		ValidUntil: f.ValidUntil().Format(time.RFC3339), Valid: f.CheckValid(time.Now()) == nil,
	}
}

// fleetLine says in a line what a fleet file is.
func fleetLine(f *fleet.File) string {
	return fmt.Sprintf("fleet %s (%s), epoch %d, %s, valid until %s", f.Name(), f.ID().ShortID(), f.Epoch(), countOf(uint64(f.Agents()), "agent"), f.ValidUntil().Format(time.RFC3339)) //nolint:gosec // never negative
}

// fleetText writes all that a fleet file says.
func (a *app) fleetText(f *fleet.File) {
	a.printf("fleet %s\n", f.Name())
	a.printf("  fleet_id     %s\n", f.ID())
	a.printf("  epoch        %d, with keys back to epoch %d\n", f.Epoch(), f.Oldest())
	a.printf("  serial       %d\n", f.Serial())
	a.printf("  keys         %s\n", f.KEM())
	a.printf("  agents       %d\n", f.Agents())
	a.printf("  issued at    %s\n", f.IssuedAt().Format(time.RFC3339))
	out := ""
	if f.CheckValid(time.Now()) != nil {
		out = ", which is past"
	}
	a.printf("  valid until  %s%s\n", f.ValidUntil().Format(time.RFC3339), out)
}
