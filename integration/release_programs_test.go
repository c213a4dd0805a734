// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestReleasedPrograms looks at the programs: each is for its system, needs nothing
// but what every such system has, and says nothing of the machine that built it.
func TestReleasedPrograms(t *testing.T) {
	needs := map[string]func(string) (string, []string, error){"linux": elfNeeds, "windows": peNeeds, "darwin": machoNeeds}
	want := map[string][]string{
		"linux": nil, "windows": {"kernel32.dll"},
		"darwin": {"/usr/lib/libSystem.B.dylib", "/usr/lib/libresolv.9.dylib", "/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation", "/System/Library/Frameworks/Security.framework/Versions/A/Security"},
	}
	machine := strings.Fields(goEnv(t, "GOMODCACHE") + " " + goEnv(t, "GOROOT") + " " + must(filepath.Abs(".."))(t))
	for _, s := range systems {
		program := packageFile(t, s.program())
		arch, libraries, err := needs[s.os](program)
		if err != nil || arch != s.arch || len(libraries) > len(want[s.os]) {
			t.Errorf("%s is for %s and needs %q, %v", s, arch, libraries, err)
		}
		for _, library := range libraries {
			if !slices.Contains(want[s.os], library) {
				t.Errorf("%s needs %s", s, library)
			}
		}
		info := must(buildinfo.ReadFile(program))(t)
		settings := map[string]string{}
		for _, setting := range info.Settings {
			settings[setting.Key] = setting.Value
		}
		if settings["GOOS"] != s.os || settings["GOARCH"] != s.arch || settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" || info.GoVersion != runtime.Version() {
			t.Errorf("%s was built with %s and %v", s, info.GoVersion, settings)
		}
		content := must(os.ReadFile(program))(t)
		for _, text := range []string{programVersion, programCommit, fmt.Sprint(programTime)} {
			if !bytes.Contains(content, []byte(text)) {
				t.Errorf("%s does not have %s inside", s, text)
			}
		}
		for _, path := range machine {
			if bytes.Contains(content, []byte(path)) {
				t.Errorf("%s names %s, of the machine that built it", s, path)
			}
		}
		t.Logf("%s: %d bytes, of which are in the archive %d", s, len(content), must(os.Stat(packageFile(t, s.archive())))(t).Size())
	}
}

// elfNeeds tells for which architecture of Go's a program is, and which libraries it
// asks for. One that asks for a loader is none that stands alone.
func elfNeeds(program string) (string, []string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	for _, part := range f.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			return "", nil, fmt.Errorf("it has a part %v", part.Type)
		}
	}
	libraries, err := f.ImportedLibraries()
	return map[elf.Machine]string{elf.EM_X86_64: "amd64", elf.EM_AARCH64: "arm64"}[f.Machine], libraries, err
}

func peNeeds(program string) (string, []string, error) {
	f, err := pe.Open(program)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	symbols, err := f.ImportedSymbols()
	var libraries []string
	for _, symbol := range symbols {
		_, library, _ := strings.Cut(symbol, ":")
		libraries = append(libraries, strings.ToLower(library))
	}
	slices.Sort(libraries)
	return map[uint16]string{pe.IMAGE_FILE_MACHINE_AMD64: "amd64", pe.IMAGE_FILE_MACHINE_ARM64: "arm64"}[f.Machine], slices.Compact(libraries), err
}

// machoNeeds wants a signature too: macOS runs no program for this processor without.
func machoNeeds(program string) (string, []string, error) {
	f, err := macho.Open(program)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	const codeSignature = 0x1d // LC_CODE_SIGNATURE
	if !slices.ContainsFunc(f.Loads, func(l macho.Load) bool { return f.ByteOrder.Uint32(l.Raw()) == codeSignature }) {
		return "", nil, fmt.Errorf("it is not signed")
	}
	libraries, err := f.ImportedLibraries()
	return map[macho.Cpu]string{macho.CpuAmd64: "amd64", macho.CpuArm64: "arm64"}[f.Cpu], libraries, err
}

// TestReleasedVersion asks the program for this machine, and that of a package.
func TestReleasedVersion(t *testing.T) {
	own := packageFile(t, system{"linux", runtime.GOARCH}.program())
	r := succeeds(t, rig.Collect(exec.Command(own, "version", "--json")))
	want := map[string]any{
		"version": programVersion, "commit": programCommit, "commit_time": "2026-01-01T00:00:00Z", "format_version": 1.0,
		"go": runtime.Version(), "os": "linux", "arch": runtime.GOARCH,
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(r.Stdout), &got); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v: %s", err, r)
	}
	text := fmt.Sprintf("tgsp %s, commit %s of 2026-01-01T00:00:00Z, package format 1, %s linux/%s\n", programVersion, programCommit[:12], runtime.Version(), runtime.GOARCH)
	for _, form := range []string{"version", "--version"} {
		if r := succeeds(t, rig.Collect(exec.Command(own, form))); r.Stdout != text {
			t.Errorf("%s: %s", form, r)
		}
	}
}

// TestListOfContents compares what the list says is in a program with what Go has
// written into it, and wants a licence for each.
func TestListOfContents(t *testing.T) {
	for _, s := range systems {
		var list struct {
			BOMFormat  string `json:"bomFormat"`
			Components []struct{ Name, Version string }
			Metadata   struct {
				Component struct{ Name, Version string }
			}
		}
		if err := json.Unmarshal(must(os.ReadFile(packageFile(t, s.lists()+".cdx.json")))(t), &list); err != nil {
			t.Fatal(err)
		}
		if main := list.Metadata.Component; list.BOMFormat != "CycloneDX" || main.Name != "github.com/tensorguard/tgsp" || main.Version != programVersion {
			t.Errorf("it is a list of %s for %+v", list.BOMFormat, main)
		}
		got := map[string]string{}
		for _, component := range list.Components {
			got[component.Name] = component.Version
		}
		want := linkedModules(t, packageFile(t, s.program()))
		want["std"] = got["std"] // it is not written there in this way
		if len(want) < 15 || want["std"] == "" || !maps.Equal(got, want) {
			t.Errorf("%s: it lists\n%v\nand linked is\n%v", s, got, want)
		}
		licences := string(must(os.ReadFile(packageFile(t, s.lists()+".licenses")))(t))
		for name, version := range want {
			if name == "std" {
				name = "Go"
			}
			if !strings.Contains(licences, "==== "+name+" "+version+": ") {
				t.Errorf("%s: no licence of %s %s", s, name, version)
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
