// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// What the packages of a run call themselves, as dpkg and as tgsp says it. Those of
// a checkout would ask git, which does not answer root about a user's.
const (
	packagesVersion = "1.2.3+4.gabcdef0-1"
	programVersion  = "v1.2.3-4-gabcdef0"
)

// builtPackages are made when a test first asks for them.
var builtPackages = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(lab.scratch, "packages")
	return dir, buildPackages(dir)
})

func buildPackages(dir string) error {
	cmd := exec.Command("../.package/build", dir)
	cmd.Env = append(os.Environ(), "VERSION="+programVersion, "SOURCE_DATE_EPOCH=1767225600")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// packageFile is the name of one of them, with the folder.
func packageFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(must(builtPackages())(t), name)
}

// debFile and rpmFile are the packages' names for an architecture of Go's.
func debFile(arch string) string { return "tgsp_" + packagesVersion + "_" + arch + ".deb" }

func rpmFile(arch string) string { return "tgsp-" + packagesVersion + "." + rpmArch[arch] + ".rpm" }

var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// TestPackagesAreReproducible makes them twice, in other folders and with another
// umask: not a byte differs. The checksums are those of all that was made.
func TestPackagesAreReproducible(t *testing.T) {
	first, second := must(builtPackages())(t), filepath.Join(folder(t, caller(t)), "again")
	// A shell sets the umask: this process's is that of all tests.
	cmd := exec.Command("sh", "-c", `umask 077; exec ../.package/build "$0"`, second)
	cmd.Env = append(os.Environ(), "VERSION="+programVersion, "SOURCE_DATE_EPOCH=1767225600")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	succeeds(t, rig.Collect(exec.Command("diff", "-r", first, second)))
	want := []string{"SHA256SUMS"}
	for _, arch := range []string{"amd64", "arm64"} {
		binary := "tgsp-linux-" + arch
		want = append(want, binary, binary+".cdx.json", binary+".licenses", debFile(arch), rpmFile(arch))
	}
	var names []string
	for _, entry := range must(os.ReadDir(first))(t) {
		names = append(names, entry.Name())
	}
	if slices.Sort(want); !slices.Equal(names, want) {
		t.Errorf("made %q, want %q", names, want)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = first
	if r := succeeds(t, rig.Collect(check)); strings.Count(r.Stdout, ": OK\n") != len(want)-1 {
		t.Errorf("checked not all of %d files: %s", len(want)-1, r)
	}
}

// TestPackagedBinaries looks at the programs themselves: static, of their
// architecture, and those that the packages hold.
func TestPackagedBinaries(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		binary := packageFile(t, "tgsp-linux-"+arch)
		f := must(elf.Open(binary))(t)
		if libraries, err := f.ImportedLibraries(); f.Machine != machine || err != nil || len(libraries) > 0 {
			t.Errorf("%s is for %v and needs %q, %v", arch, f.Machine, libraries, err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		deb := debFile(arch)
		out, err := exec.Command("sh", "-c", `dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/bin/tgsp`, packageFile(t, deb)).Output()
		if err != nil || !bytes.Equal(out, must(os.ReadFile(binary))(t)) {
			t.Errorf("the program in %s is another one: %v", deb, err)
		}
		if r := succeeds(t, rig.Collect(exec.Command("dpkg-deb", "--field", packageFile(t, deb), "Architecture"))); strings.TrimSpace(r.Stdout) != arch {
			t.Error(r)
		}
	}
	r := succeeds(t, rig.Collect(exec.Command(packageFile(t, "tgsp-linux-"+runtime.GOARCH), "version")))
	if !strings.Contains(r.Stdout, "tgsp "+programVersion+",") {
		t.Error(r)
	}
}

// TestListOfContents compares what the list says is in a program with what Go has
// written into it, and wants a licence for each.
func TestListOfContents(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		binary := packageFile(t, "tgsp-linux-"+arch)
		var list struct {
			BOMFormat  string `json:"bomFormat"`
			Components []struct{ Name, Version string }
			Metadata   struct {
				Component struct{ Name, Version string }
			}
		}
		if err := json.Unmarshal(must(os.ReadFile(binary+".cdx.json"))(t), &list); err != nil {
			t.Fatal(err)
		}
		if main := list.Metadata.Component; list.BOMFormat != "CycloneDX" || main.Name != "github.com/tensorguard/tgsp" || main.Version != programVersion {
			t.Errorf("it is a list of %s for %+v", list.BOMFormat, main)
		}
		got := map[string]string{}
		for _, component := range list.Components {
			got[component.Name] = component.Version
		}
		want := linkedModules(t, binary)
		want["std"] = got["std"] // it is not written there in this way
		if len(want) < 15 || want["std"] == "" || !maps.Equal(got, want) {
			t.Errorf("%s: it lists\n%v\nand linked is\n%v", arch, got, want)
		}
		licences := string(must(os.ReadFile(binary + ".licenses"))(t))
		for name, version := range want {
			if name == "std" {
				name = "Go"
			}
			if !strings.Contains(licences, "==== "+name+" "+version+": ") {
				t.Errorf("%s: no licence of %s %s", arch, name, version)
			}
		}
	}
}

// linkedModules are those that go version -m shows, with their versions.
func linkedModules(t *testing.T, binary string) map[string]string {
	t.Helper()
	modules := map[string]string{}
	for line := range strings.Lines(succeeds(t, rig.Collect(exec.Command("go", "version", "-m", binary))).Stdout) {
		if fields := strings.Fields(line); len(fields) >= 3 && fields[0] == "dep" {
			modules[fields[1]] = fields[2]
		}
	}
	return modules
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
