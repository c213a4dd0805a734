// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/rig"
)

var fleetAgents = flag.Int("fleet.agents", 3000, "how many agents the test of a large fleet has")

// TestLargeFleet makes a fleet of many agents, rotates it after revoking ten, and
// opens a package as one of them. What grows with the fleet is the authority's
// business alone: an agent's bundle stays below 4 KiB, and the package is as large
// as for a fleet of one.
func TestLargeFleet(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	agent := must(rig.NewUser(u.Bin, filepath.Join(dir, "agent"), u.Cred))(t)
	ran := func(user *rig.User, args ...string) rig.Result {
		t.Helper()
		r := user.Run(args...)
		if r.Code != 0 {
			t.Fatal(r)
		}
		t.Logf("tgsp %s: %.1f s, %d MiB", strings.Join(args[:2], " "), r.Wall.Seconds(), r.MaxRSS>>20)
		return r
	}
	author := must(tgspcrypto.ReadAuthorKeyFile(filepath.Join(u.Home(), "author.key")))(t).Public().String()
	ran(agent, "trust", "add", author)

	requests := filepath.Join(dir, "requests")
	writeRequests(t, requests, *fleetAgents-1)
	in := func(name string) string { return filepath.Join(dir, name) }
	ran(agent, "fleet", "request", "--name", "the-one", "-o", in("one.request"))
	ran(u, "fleet", "create", "large")
	enrolled := ran(u, "fleet", "enroll", "large", requests, in("one.request"))
	if *fleetAgents >= 100_000 && enrolled.MaxRSS > 512<<20 {
		t.Errorf("enrolling took %d MiB", enrolled.MaxRSS>>20)
	}
	ran(u, "fleet", "export", "large", "-o", in("first.fleet"))
	ran(u, "fleet", "create", "small")
	ran(u, "fleet", "enroll", "small", in("one.request"))
	ran(u, "fleet", "export", "small", "-o", in("small.fleet"))

	var revoked []string
	for i := range 10 {
		revoked = append(revoked, fmt.Sprintf("agent-%d", i*(*fleetAgents-1)/10))
	}
	if err := os.WriteFile(in("revoked"), []byte(strings.Join(revoked, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	ran(u, "fleet", "revoke", "large", "--file", in("revoked"))
	ran(u, "fleet", "export", "large", "-o", in("large.fleet"))
	ran(u, "fleet", "export", "large", "--agent", "the-one", "-o", in("one.bundle"))
	bundle := size(t, in("one.bundle"))
	if bundle > 4096 {
		t.Errorf("an agent's bundle has %d bytes", bundle)
	}
	ran(agent, "fleet", "install", in("one.bundle"))

	model := subfolder(t, u, dir, "model")
	writeFor(t, u, filepath.Join(model, "weights.bin"), make([]byte, 1<<20))
	ran(u, "pack", model, "-o", in("large.tgsp"), "--fleet", in("large.fleet"))
	ran(u, "pack", model, "-o", in("small.tgsp"), "--fleet", in("small.fleet"))
	if l, s := size(t, in("large.tgsp")), size(t, in("small.tgsp")); l != s {
		t.Errorf("the package has %d bytes, and for a fleet of one %d", l, s)
	}
	m := mount(t, agent, in("large.tgsp"))
	unmount(t, m)

	store := int64(0)
	err := filepath.WalkDir(filepath.Join(u.Home(), "fleets", "large"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			store += size(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d agents: requests of %d bytes, fleet file %d, an agent's bundle %d, package %d, all that the authority keeps %d",
		*fleetAgents, size(t, requests), size(t, in("large.fleet")), bundle, size(t, in("large.tgsp")), store)
}

func size(t *testing.T, name string) int64 {
	t.Helper()
	return must(os.Stat(name))(t).Size()
}

// writeRequests writes what so many agents have sent.
func writeRequests(t *testing.T, name string, agents int) {
	t.Helper()
	f := must(os.Create(name))(t)
	w := bufio.NewWriter(f)
	for i := range agents {
		id, err := tgspcrypto.GenerateIdentity(tgspcrypto.X25519)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "%s agent-%d\n", id.Recipient(), i)
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		t.Fatal(err)
	}
}
