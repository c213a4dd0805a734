// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestSystemCallsOfAStream reads a file from front to end when nothing is cached,
// and counts what the process that serves it asks the system for. As root that is
// little more than three calls for each megabyte: the request, the package, the
// reply. For users what is decrypted ahead is stored in four pieces, and a request
// tells how far the program is.
func TestSystemCallsOfAStream(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		mostReads, mostWrites := 2.7, 1.3
		if u.Cred != nil {
			mostReads, mostWrites = 3.5, 6.0
		}
		plain := sample(t)
		m := mount(t, u, samplePackage(t, u))
		dropCaches(t)
		before := must(rig.ProcessIO(m.PID))(t)
		const file = "model-00001-of-00003.safetensors"
		if r := rig.Collect(u.Exec("cat", filepath.Join(m.Dir, file))); r.Code != 0 {
			t.Fatal(r.Code, r.Stderr)
		}
		did := must(rig.ProcessIO(m.PID))(t).Since(before)
		size := float64(must(os.Stat(filepath.Join(plain.dir, file)))(t).Size())
		mib := size / (1 << 20)
		over := float64(did.BytesRead) / size
		text := fmt.Sprintf("for %.0f MiB: %.2f reads and %.2f writes for each, %.4f bytes read for each byte", mib, float64(did.Reads)/mib, float64(did.Writes)/mib, over)
		t.Log(text)
		if float64(did.Reads)/mib > mostReads || float64(did.Writes)/mib > mostWrites || over > 1.02 {
			t.Errorf("%s; want at most %.1f and %.1f calls, and 1.02 bytes", text, mostReads, mostWrites)
		}
		unmount(t, m)
	})
}
