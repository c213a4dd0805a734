// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/rig"
)

// TestDaemonForgetsKeys looks into a serving daemon's memory as only root can.
// The package's data key has done its work when the folder is readable: what
// reads need is derived from it. The author's key was never needed.
func TestDaemonForgetsKeys(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		r, pkg, secrets := crashing(t, u)
		m := mount(t, r.User, pkg)
		defer unmount(t, m)
		readAll(t, r.User, m.Dir)
		// An identity stays, as the memory of a Go program is not wiped: see SECURITY.md.
		secrets = secrets[1:]
		control := false
		writableMemory(t, m.PID, func(where string, data []byte) {
			search(t, where, data, secrets)
			control = control || bytes.Contains(data, []byte(m.Dir))
		})
		if !control {
			t.Error("not even the mountpoint's name was found")
		}
	})
}

// TestDaemonForgetsEpochs is the same for a package for a fleet: the secret of the
// epoch, which opens every package that the fleet can open, has done its work too.
func TestDaemonForgetsEpochs(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		r := newRecorder(t, u)
		in := func(name string) string { return filepath.Join(r.Dir, name) }
		r.run(t, 0, "init")
		me := must(tgspcrypto.ReadIdentityFile(filepath.Join(r.Home(), "identity.key")))(t)[0].Recipient().String()
		r.run(t, 0, "fleet", "create", "robots")
		r.run(t, 0, "fleet", "enroll", "robots", me)
		r.run(t, 0, "fleet", "export", "robots", "-o", in("robots.fleet"))
		r.run(t, 0, "pack", tinyModel(t), "-o", in("model.tgsp"), "--fleet", in("robots.fleet"))
		var secrets []*secret
		for i, name := range []string{"epoch-1.key", "epoch-2.key"} {
			if i > 0 { // the package opens by way of the newer one
				r.run(t, 0, "fleet", "rotate", "robots")
			}
			r.run(t, 0, "fleet", "export", "robots", "--epoch-secret", "-o", in(name))
			s := must(tgspcrypto.ReadEpochSecretFile(in(name)))(t)
			secrets = append(secrets, newSecret("the secret in "+name, s.Secret[:]))
		}
		r.run(t, 0, "fleet", "export", "robots", "--agent", me, "-o", in("me.bundle"))
		r.run(t, 0, "fleet", "install", in("me.bundle"))
		m := mount(t, r.User, in("model.tgsp"))
		defer unmount(t, m)
		readAll(t, r.User, m.Dir)
		control := false
		writableMemory(t, m.PID, func(where string, data []byte) {
			search(t, where, data, secrets)
			control = control || bytes.Contains(data, []byte(m.Dir))
		})
		if !control {
			t.Error("not even the mountpoint's name was found")
		}
	})
}

// writableMemory reads all memory to which a process writes.
func writableMemory(t *testing.T, pid int, see func(where string, data []byte)) {
	t.Helper()
	mem := must(os.Open(fmt.Sprintf("/proc/%d/mem", pid)))(t)
	defer mem.Close()
	for _, line := range readLines(t, fmt.Sprintf("/proc/%d/maps", pid)) {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode); n < 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		data := make([]byte, to-from)
		n, err := mem.ReadAt(data, from)
		if err != nil && n == 0 {
			continue // it was unmapped since
		}
		see(fmt.Sprintf("the memory at %x", from), data[:n])
	}
}
