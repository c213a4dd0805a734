// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// newRecorder makes a user of the same kind as u, without keys yet.
func newRecorder(t *testing.T, u *rig.User) *recorder {
	t.Helper()
	return &recorder{User: &rig.User{Bin: u.Bin, Dir: folder(t, u), Cred: u.Cred}}
}

// tinyModel is a model of a few files that anybody can read.
func tinyModel(t *testing.T) string {
	t.Helper()
	dir := folder(t, plainUser())
	if _, err := model.Tiny(dir, 1, 20); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSecretsStayInTheirFiles goes a whole round with all verbs that touch keys,
// good and bad, and looks for the secret keys and the package's data key in all
// that is left of it: messages, JSON, logs, states, packages, temporary files,
// and what the kernel shows of the daemon.
func TestSecretsStayInTheirFiles(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		r, plain := newRecorder(t, u), tinyModel(t)
		in := func(name string) string { return filepath.Join(r.Dir, name) }
		pkg := in("model.tgsp")
		files := []string{filepath.Join(r.Home(), "identity.key"), filepath.Join(r.Home(), "author.key"), in("server.key"), in("release.key")}
		identity, server, release := files[0], files[2], files[3]

		r.run(t, 0, "init")
		serverLine := strings.TrimSpace(r.run(t, 0, "keygen", "identity", "--pq", "-o", server).Stdout)
		releaseLine := strings.TrimSpace(r.run(t, 0, "keygen", "author", "-o", release).Stdout)
		r.run(t, 0, "trust", "add", "--role", "envelope", releaseLine)
		r.run(t, 0, "trust", "list", "--json")
		r.run(t, 0, "pack", plain, "-o", pkg)
		var secrets []*secret
		for _, file := range files {
			secrets = append(secrets, keyFile(t, file)...)
		}
		secrets = append(secrets, dataKey(t, pkg, secrets[0]))

		r.run(t, 0, "inspect", "--json", pkg)
		r.run(t, 0, "verify", "-i", identity, pkg)
		r.run(t, 0, "ls", "--json", "--audit-log", in("audit.log"), pkg)
		r.run(t, 0, "verify", "--report", in("report.json"), "--report-key", release, "--audit-log", in("audit.log"), pkg)
		r.mounted(t, pkg, secrets)
		r.run(t, 14, "verify", "-i", server, pkg)
		r.run(t, 0, "recipients", "add", pkg, serverLine)
		r.run(t, 0, "recipients", "list", "--json", pkg)
		r.run(t, 0, "sign", "--json", "--sign-key", release, pkg)
		r.run(t, 0, "recipients", "remove", "--json", pkg, serverLine)
		r.run(t, 0, "renew", "--json", "--not-after", "2099-01-01T00:00:00Z", pkg)
		r.run(t, 0, "extract", pkg, in("plain"))
		// Each key in the other's place, damaged, and in the place of a public one.
		r.run(t, 1, "verify", "-i", release, pkg)
		r.run(t, 1, "sign", "--sign-key", server, pkg)
		r.run(t, 1, "trust", "add", release)
		r.run(t, 1, "recipients", "add", "--json", pkg, "-R", server)
		r.run(t, 10, "inspect", "--json", identity)
		flip(t, identity, must(os.Stat(identity))(t).Size()-5)
		r.run(t, 1, "verify", "--json", "-i", identity, pkg)
		flip(t, identity, must(os.Stat(identity))(t).Size()-5)
		// A key where no key belongs.
		r.run(t, 3, "verify", string(must(os.ReadFile(identity))(t)))
		r.run(t, 3, "verify", "--json", "--expect", string(must(os.ReadFile(release))(t)), pkg)
		// A read that fails leaves a log.
		flip(t, pkg, must(os.Stat(pkg))(t).Size()-model.TinySize)
		r.run(t, 13, "verify", pkg)
		r.mounted(t, pkg, secrets)
		if logs := must(filepath.Glob(filepath.Join(r.Home(), "run", "*.log")))(t); len(logs) != 1 {
			t.Errorf("logs that are left: %v, want that of the mount with an altered byte", logs)
		}

		search(t, "what tgsp said", r.said.Bytes(), secrets)
		if seen := searchFiles(t, os.TempDir(), secrets, files...); seen < 20 {
			t.Errorf("only %d files were searched", seen)
		}
	})
}

// mounted reads all of a package through a mount and searches what the daemon
// shows of itself meanwhile.
func (r *recorder) mounted(t *testing.T, pkg string, secrets []*secret) {
	t.Helper()
	m := mount(t, r.User, pkg)
	rig.Collect(r.Exec("sh", "-c", `cat "$0"/*/*`, m.Dir)) // an altered byte fails it, which the log tells
	r.run(t, 0, "status")
	r.run(t, 0, "status", "--json")
	proc := fmt.Sprintf("/proc/%d", m.PID)
	for _, name := range []string{"cmdline", "environ"} {
		data, err := os.ReadFile(filepath.Join(proc, name))
		if name == "environ" && os.Getuid() != 0 {
			if !os.IsPermission(err) {
				t.Errorf("its user reads the daemon's %s: %v", name, err)
			}
			continue
		}
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", name, len(data), err)
		}
		search(t, "the daemon's "+name, data, secrets)
	}
	files := []string{filepath.Join(r.Home(), "identity.key"), filepath.Join(r.Home(), "author.key")}
	if seen := searchFiles(t, r.Home(), secrets, files...); seen < 3 {
		t.Errorf("only %d files were searched, want trust store, state and log", seen)
	}
	r.run(t, 0, "umount", m.Dir)
	if err := m.Gone(); err != nil {
		t.Error(err)
	}
}
