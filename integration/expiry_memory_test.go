// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestClosedDaemonForgets looks into a daemon's memory that has closed its mount
// and lives on because a file is open. Nearly nothing of what it has decrypted is there any more.
func TestClosedDaemonForgets(t *testing.T) {
	needRoot(t)
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, groundPackage(t, u))
		cmd := childCommand(u, "hold", filepath.Join(m.Dir, "config.json"))
		stdin, stdout := must(cmd.StdinPipe())(t), must(cmd.StdoutPipe())(t)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Wait()
		defer stdin.Close()
		if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "open\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}
		for range 3 {
			dropCaches(t)
			if r := rig.Collect(u.Exec("sh", "-c", `cat "$0"/* "$0"/*/* | wc -c`, m.Dir)); r.Code != 0 {
				t.Fatal(r)
			}
		}
		samples := groundSamples(t)
		before := countSamples(t, m.PID, samples)
		succeeds(t, u.Run("umount", "--revoke", m.Dir))
		after := countSamples(t, m.PID, samples)
		t.Logf("of %d samples of plaintext %d were in the daemon's memory while it served, and %d are there afterwards", len(samples), before, after)
		if before == 0 {
			t.Error("what is looked for was never there")
		}
		// Some may be: in memory that other small things share, or that a stack still
		// has the address of, which is not given back.
		if after*4 > before {
			t.Error("plaintext is left in memory")
		}
		if err := stdin.Close(); err != nil {
			t.Error(err)
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}

// groundSamples are a few bytes of each whole leaf of the model.
func groundSamples(t *testing.T) map[[16]byte]bool {
	t.Helper()
	samples := make(map[[16]byte]bool)
	for name := range groundFiles {
		data := must(os.ReadFile(filepath.Join(ground(t).dir, name)))(t)
		for off := 0; off+leafPlain <= len(data); off += leafPlain {
			samples[[16]byte(data[off:])] = true
		}
	}
	return samples
}

// countSamples returns how many of the samples are in a process's memory. What it
// decrypts starts at a multiple of 16 bytes.
func countSamples(t *testing.T, pid int, samples map[[16]byte]bool) int {
	t.Helper()
	found := make(map[[16]byte]bool)
	writableMemory(t, pid, func(_ string, data []byte) {
		for ; len(data) >= 16; data = data[16:] {
			if at := [16]byte(data); samples[at] {
				found[at] = true
			}
		}
	})
	return len(found)
}
