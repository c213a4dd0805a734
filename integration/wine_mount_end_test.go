// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"os"
	"strings"
	"time"

	"github.com/tensorguard/tgsp/integration/rig"
)

// endsMountByConsole presses Ctrl+C in the console of a mount. WinFsp hears it first.
func (u *winUser) endsMountByConsole() {
	if err := os.Mkdir(u.path("interrupted"), 0o755); err != nil {
		u.Fatal(err)
	}
	exe := rig.Windows(u.wine.Path("mounts/tgsp.exe"))
	m := u.mountBy(u.command("mounts/console.exe", exe, "mount", "m.tgsp", "interrupted"))
	u.serving(rig.Windows(u.path("interrupted")))
	m.stdin.Close()
	m.ends(0, `reason="the process that served it was told to end"`)
	if entries, err := os.ReadDir(u.path("interrupted")); err != nil || len(entries) > 0 {
		u.Errorf("the empty folder is not there again: %v, %v", entries, err)
	}
	u.unmounted()
}

// taken fails the test where WinFsp was not told to forget a file, or could have read it
// once more.
func (m *winMount) taken(path string) {
	m.Helper()
	for _, n := range m.told("notify") {
		// The root is always known, and no file.
		if n.Again != winRefused || n.Opened != winRefused && (n.Path != "/" || n.Opened != winFolder) {
			m.Errorf("%+v", n)
		}
		if n.Path == path {
			path = ""
		}
	}
	if path != "" {
		m.Errorf("WinFsp was not told to forget %s", path)
	}
}

// revokesMount takes a mount from a program that has a file open.
func (u *winUser) revokesMount() {
	m := u.mount("m.tgsp", "revoked")
	if m.ask("open", "/config.json").Answer != 0 || m.ask("again", "/config.json").Answer != 3 {
		u.Error("it was not readable before")
	}
	u.does("umount", "--revoke", "revoked")
	m.ends(0, "level=WARN", "msg=revoked")
	m.taken("/config.json")
	u.unmounted()
}

// expiresMount has the policy of a mounted package end.
func (u *winUser) expiresMount() {
	u.write("expiring.tgsp", u.read("m.tgsp"))
	u.does("renew", "expiring.tgsp", "--not-after", time.Now().Add(6*time.Second).UTC().Format(time.RFC3339))
	m := u.mount("expiring.tgsp", "expired")
	if m.ask("open", "/config.json").Answer != 0 || m.ask("again", "/config.json").Answer != 3 {
		u.Error("it was not readable before")
	}
	m.ends(16, "expiring.tgsp", "msg=expired", "not_after")
	m.taken("/config.json")
	u.unmounted()
}

// endsIdleMount has a mount that nobody uses.
func (u *winUser) endsIdleMount() {
	m := u.mount("m.tgsp", "idle", "--idle-timeout", "500ms")
	m.ends(0, "--idle-timeout")
	u.unmounted()
}

// servesMount runs a mount as a service.
func (u *winUser) servesMount() {
	sc := func(args ...string) string {
		r := rig.Collect(u.wine.Command([]string{"WINEDEBUG=err+all"}, "sc", args...))
		if r.Code != 0 {
			u.Fatal(r)
		}
		return r.Stdout
	}
	state := func(want string) func() (bool, error) {
		return func() (bool, error) {
			got := sc("query", "tgsp-test")
			return strings.Contains(got, want), nil
		}
	}
	until := func(want string) {
		if err := rig.Until("the service is "+want, state(want)); err != nil {
			u.Fatal(err, sc("query", "tgsp-test"))
		}
	}
	windows := func(name string) string { return `"` + rig.Windows(u.path(name)) + `"` }
	exe := `"` + rig.Windows(u.wine.Path("mounts/tgsp.exe")) + `"`
	start := func(dir string) {
		line := strings.Join([]string{exe, "mount", windows("m.tgsp"), windows(dir), "--log", windows("served.log"),
			"-i", windows("home/identity.key"), "--trusted-key", u.public("home/author.key")}, " ")
		sc("create", "tgsp-test", "binPath=", line)
		sc("start", "tgsp-test")
	}
	start("served")
	until("RUNNING")
	if err := rig.Until("it is shown", func() (bool, error) {
		data, err := os.ReadFile(u.path("served/größe 日本/weights.bin"))
		return err == nil && string(data) == u.read("model/größe 日本/weights.bin"), nil
	}); err != nil {
		u.Fatal(err, u.read("served.log"))
	}
	sc("stop", "tgsp-test")
	until("STOPPED")
	if out := sc("query", "tgsp-test"); !strings.Contains(out, "WIN32_EXIT_CODE    : 0 ") {
		u.Error(out)
	}
	if _, err := os.Stat(u.path("served")); err == nil {
		u.Error("the folder is still there")
	}
	if log := u.read("served.log"); !strings.Contains(log, "msg=unmounted") {
		u.Error(log)
	}
	sc("delete", "tgsp-test")

	// One that cannot mount tells the manager its exit code.
	start("model")
	until("SERVICE_EXIT_CODE  : 17 ")
	sc("delete", "tgsp-test")
}
