// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// windowsFleet has an authority and an agent on Windows, and an agent on Linux, which is
// the user whose home is named home.
func windowsFleet(t *testing.T, w *rig.Wine) {
	agent := newWinUser(t, w)
	authority, second := agent.other("authority"), agent.other("second")
	agent.model("model")
	for _, u := range []*winUser{agent, second} {
		u.does("trust", "add", agent.public("authority/author.key"))
		u.does("trust", "add", "--role", "envelope", agent.public("authority/author.key"))
	}
	authority.does("fleet", "create", "robots", "--valid-for", "30d")
	for _, name := range []string{"", "/fleets", "/fleets/robots", "/fleets/robots/authority.key", "/fleets/robots/fleet.db"} {
		ownerAlone(t, agent.path("authority"+name))
	}
	agent.does("fleet", "request", "-o", "gate-1.request", "--name", "gate-1")
	second.does("fleet", "request", "-o", "gate-2.request", "--name", "gate-2")
	agent.write("all.txt", "# all of them\r\n"+strings.TrimSpace(agent.read("gate-1.request"))+"\r\n"+strings.TrimSpace(agent.read("gate-2.request"))+"\r\n")
	authority.does("fleet", "enroll", "robots", "all.txt")
	if r := authority.does("fleet", "show", "robots", "--agents"); !strings.Contains(r.Stdout, "gate-2") {
		t.Error(r)
	}
	export := func() {
		t.Helper()
		authority.does("fleet", "export", "robots", "-o", "robots.fleet")
		for name, home := range map[string]string{"gate-1": "home", "gate-2": "second"} {
			authority.does("fleet", "export", "robots", "--agent", agent.public(home+"/identity.key"), "-o", name+".bundle")
		}
	}
	export()
	authority.does("pack", "model", "-o", "m.tgsp", "--fleet", "robots.fleet")
	agent.refuses(15, []string{"ls", "m.tgsp"}, "fleet")
	agent.does("fleet", "install", "gate-1.bundle")
	second.does("fleet", "install", "gate-2.bundle")
	agent.does("ls", "m.tgsp")
	second.does("ls", "m.tgsp")
	if r := agent.linux().Run("ls", "m.tgsp"); r.Code != 0 {
		t.Errorf("on Linux: %s", r)
	}

	// A new epoch takes files away that belong to the one before.
	authority.does("fleet", "rotate", "robots")
	authority.does("fleet", "revoke", "robots", "gate-2")
	export()
	authority.does("recipients", "move", "m.tgsp", "--fleet", "robots.fleet")
	agent.does("fleet", "install", "gate-1.bundle")
	agent.does("ls", "m.tgsp")
	second.does("fleet", "install", "gate-2.bundle")
	second.refuses(15, []string{"ls", "m.tgsp"}, "fleet")
}
