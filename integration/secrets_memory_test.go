// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

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
