// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// What the release of a run calls itself, as dpkg and as tgsp says it. That of a
// checkout would ask git, which does not answer root about a user's.
const (
	packagesVersion = "1.2.3+4.gabcdef0-1"
	programVersion  = "v1.2.3-4-gabcdef0"
	programCommit   = "abcdef0123456789abcdef0123456789abcdef01"
	programTime     = 1767225600 // 2026-01-01T00:00:00Z
)

// system is one that a release is for.
type system struct{ os, arch string }

func (s system) String() string { return s.os + "/" + s.arch }

// program is the name of what is built for it, lists the start of the names of what is
// linked there, archive the name of what is unpacked.
func (s system) program() string {
	if s.os == "windows" {
		return s.lists() + ".exe"
	}
	return s.lists()
}

func (s system) lists() string { return "tgsp-" + s.os + "-" + s.arch }

func (s system) archive() string {
	name := "tgsp-" + programVersion + "-" + s.os + "-" + s.arch
	if s.os == "windows" {
		return name + ".zip"
	}
	return name + ".tar.gz"
}

// files are all that a release has for it.
func (s system) files() []string {
	files := []string{s.program(), s.lists() + ".licenses", s.lists() + ".cdx.json", s.archive()}
	if s.os == "linux" {
		files = append(files, debFile(s.arch), rpmFile(s.arch))
	}
	return files
}

// debFile and rpmFile are the packages' names for an architecture of Go's.
func debFile(arch string) string { return "tgsp_" + packagesVersion + "_" + arch + ".deb" }

func rpmFile(arch string) string { return "tgsp-" + packagesVersion + "." + rpmArch[arch] + ".rpm" }

var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// systems are those that make release names.
var systems = []system{{"linux", "amd64"}, {"linux", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}, {"darwin", "arm64"}}

// builtRelease is made when a test first asks for it.
var builtRelease = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(lab.scratch, "release")
	args := []string{dir}
	for _, s := range systems {
		args = append(args, s.String())
	}
	return dir, buildRelease(exec.Command("../.package/build", args...))
})

// buildRelease runs what builds one. The command's own environment counts more.
func buildRelease(cmd *exec.Cmd) error {
	cmd.Env = append(append(os.Environ(), "VERSION="+programVersion, "COMMIT="+programCommit, fmt.Sprint("COMMIT_TIME=", programTime)), cmd.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// packageFile is the name of a file of the release, with the folder.
func packageFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(must(builtRelease())(t), name)
}
