// SPDX-License-Identifier: Apache-2.0

//go:build linux && amd64

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// unitsLeftOut are the tests of packages that Wine cannot run, with the reason, and those
// that take a minute and more because Wine opens and closes files slowly.
var unitsLeftOut = map[string]map[string]string{
	"crypto": {"TestSecretFileNeverThroughLink": noLinks},
	"container": {
		"TestScanFolder": noLinks, "TestScanThroughLink": noLinks, "TestScanFile": noLinks, "TestScanHubSnapshot": noLinks,
		"TestScanRefuses": noLinks, "TestScanFollowsWhenTold": noLinks,
		"TestOverhead": slow, "TestManyFiles": slow, "TestMillionFiles": slow, "TestKitIsCurrent": slow,
		"TestThreatsNameTheirTests": "it reads the sources alone",
	},
	"cmd/tgsp": {"TestKit": slow, "TestStateChangedAnywhere": slow},
}

const (
	noLinks = "Wine 8 says that it has made a symbolic link, and makes none"
	slow    = "thousands of files, each opened some hundred times more slowly"
)

// windowsUnitTests runs the tests of packages as programs of Windows.
func windowsUnitTests(t *testing.T, w *rig.Wine) {
	overlay, err := w.Overlay()
	if err != nil {
		t.Fatal(err)
	}
	tests := w.Path("tests")
	if err := os.MkdirAll(tests, 0o755); err != nil {
		t.Fatal(err)
	}
	packages := []string{
		"crypto", "crypto/dcbor", "crypto/fleet", "crypto/merkle", "crypto/sha256mb", "crypto/sysfile", "container", "fs", "cmd/tgsp", "cmd/tgsp/audit",
		"cmd/tgsp/authority", "cmd/tgsp/durable", "cmd/tgsp/manpage", "cmd/tgsp/passphrase", "cmd/tgsp/review", "cmd/tgsp/scan",
	}
	args := []string{"test", "-overlay", overlay, "-c", "-o", tests + "/"}
	for _, name := range packages {
		args = append(args, "../"+name)
	}
	if err := w.BuildForWindows(args...); err != nil {
		t.Fatal(err)
	}
	for _, name := range packages {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // half of them wait for most of their time
			args := []string{"-test.short", "-test.timeout=10m"}
			if name == "container" {
				args = append(args, "-changes.time=1s")
			}
			var leave []string
			for test := range unitsLeftOut[name] {
				leave = append(leave, "^"+test+"$")
			}
			if len(leave) > 0 {
				args = append(args, "-test.skip="+strings.Join(leave, "|"))
			}
			cmd := w.Command(nil, rig.Windows(filepath.Join(tests, filepath.Base(name)+".test.exe")), args...)
			cmd.Dir = filepath.Join("..", name)
			r := rig.Collect(cmd)
			t.Logf("%s: %.1f s", name, r.Wall.Seconds())
			if r.Code != 0 || !strings.Contains(r.Stdout, "PASS") {
				t.Error(r)
			}
		})
	}
}
