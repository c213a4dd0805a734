// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestPackagedPrograms wants in a package the program that lies beside it.
func TestPackagedPrograms(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		deb := packageFile(t, debFile(arch))
		out, err := exec.Command("sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/tgsp`, deb).Output()
		if err != nil || !bytes.Equal(out, must(os.ReadFile(packageFile(t, system{"linux", arch}.program())))(t)) {
			t.Errorf("the program in %s is another one: %v", deb, err)
		}
		if r := succeeds(t, rig.Collect(exec.Command("dpkg-deb", "--field", deb, "Architecture"))); strings.TrimSpace(r.Stdout) != arch {
			t.Error(r)
		}
	}
}

// TestPackageVersions orders what git describes one after the other as dpkg does.
func TestPackageVersions(t *testing.T) {
	history := []string{"2b4eb7f", "v0.9.0-rc.1", "v0.9.0-rc.1-3-g0a1b2c3", "v0.9.0-rc.2", "v0.9.0", "v0.9.0-dirty", "v0.9.0-2-g2b4eb7f", "v0.9.0-10-g1b4eb7f-dirty", "v0.9.1", "v0.10.0"}
	var before string
	for _, described := range history {
		cmd := exec.Command("../.package/version", described)
		cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1767225600")
		version := strings.TrimSpace(succeeds(t, rig.Collect(cmd)).Stdout)
		if before != "" {
			succeeds(t, rig.Collect(exec.Command("dpkg", "--compare-versions", before, "lt", version)))
		}
		if strings.Contains(version, "-") {
			t.Errorf("%s: RPM takes no hyphen in a version: %s", described, version)
		}
		before = version
	}
}
