// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

var releaseAll = flag.Bool("release.all", false, "build all of the release a second time, not for one system alone")

// TestReleaseIsComplete wants every file of every system, and a checksum of each.
func TestReleaseIsComplete(t *testing.T) {
	dir := must(builtRelease())(t)
	want := []string{"SHA256SUMS"}
	for _, s := range systems {
		want = append(want, s.files()...)
	}
	var names []string
	for _, entry := range must(os.ReadDir(dir))(t) {
		info := must(entry.Info())(t)
		t.Logf("%9d %s", info.Size(), entry.Name())
		names = append(names, entry.Name())
	}
	if slices.Sort(want); !slices.Equal(names, want) {
		t.Errorf("made %q, want %q", names, want)
	}
	check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = dir
	if r := succeeds(t, rig.Collect(check)); strings.Count(r.Stdout, ": OK\n") != len(want)-1 {
		t.Errorf("checked not all of %d files: %s", len(want)-1, r)
	}
	recipe := string(must(os.ReadFile("../Makefile"))(t))
	line := ".package/build bin/release"
	for _, s := range systems {
		line += " " + s.String()
	}
	if !strings.Contains(recipe, "\t"+line+"\n") {
		t.Errorf("make release builds other systems than %v", systems)
	}
}

// TestReleaseIsReproducible builds once more, from a copy of the source in another
// folder, as another kind of user, and with nothing that Go keeps of builds before:
// not a byte differs.
func TestReleaseIsReproducible(t *testing.T) {
	first := must(builtRelease())(t)
	chosen := systems[:1]
	if *releaseAll {
		chosen = systems
	}
	work := folder(t, caller(t))
	copied := filepath.Join(work, "elsewhere")
	succeeds(t, rig.Collect(exec.Command("sh", "-ec", `
		mkdir -p "$0/.cache/bin" "$1"
		tar -C .. --exclude=./.git --exclude=./.cache --exclude=./bin -cf - . | tar -C "$0" -xmf -
		chmod -R go= "$0"
		cp ../.cache/bin/nfpm ../.cache/bin/cyclonedx-gomod "$0/.cache/bin/" # named in lists, by its hash`, copied, filepath.Join(work, "home"))))

	// A shell sets the umask: this process's is that of all tests.
	cmd := exec.Command("sh", "-c", `umask 077; exec .package/build "$@"`, "sh", filepath.Join(work, "again"))
	cmd.Dir = copied
	for _, s := range chosen {
		cmd.Args = append(cmd.Args, s.String())
	}
	cmd.Env = []string{
		"GOMODCACHE=" + goEnv(t, "GOMODCACHE"), "GOCACHE=" + filepath.Join(work, "cache"),
		"HOME=" + filepath.Join(work, "home"), "TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8", "LANGUAGE=de", "TMPDIR=" + work,
		"GOOS=windows", "GOARCH=386", "GOAMD64=v3", "GOFLAGS=-v", "CGO_ENABLED=1", "GZIP=-1", "ZIPOPT=-0", "TAR_OPTIONS=--mtime=1999-01-01",
	}
	if err := buildRelease(cmd); err != nil {
		t.Fatal(err)
	}
	for _, s := range chosen {
		for _, name := range s.files() {
			if !bytes.Equal(must(os.ReadFile(filepath.Join(first, name)))(t), must(os.ReadFile(filepath.Join(work, "again", name)))(t)) {
				t.Errorf("%s has other bytes when it is built again", name)
			}
		}
	}
}

// goEnv asks Go for one of its settings.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(succeeds(t, rig.Collect(exec.Command("go", "env", name))).Stdout)
}

// TestSourceOfABuild looks at what a build says it was made of: that it has no tag, or
// changes, or files that git does not know.
func TestSourceOfABuild(t *testing.T) {
	work := folder(t, caller(t))
	r := succeeds(t, rig.Collect(exec.Command("bash", "-euo", "pipefail", "-c", `
		source=$(realpath ../.package/source)
		export HOME=$0 GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='1767225600 +0000' GIT_COMMITTER_DATE='1767225600 +0000'
		unset VERSION COMMIT COMMIT_TIME
		git() { command git -c user.name=t -c user.email=t -c init.defaultBranch=main -c core.abbrev=7 "$@"; }
		show() (. "$source"; echo "$1: $VERSION ${COMMIT:+$([ "$COMMIT" = "$(git rev-parse HEAD)" ] && echo HEAD)} $COMMIT_TIME" | sed "s/$(git rev-parse --short=12 HEAD 2>/dev/null || echo none)/HASH/")
		cd "$0"
		show archive
		git init -q
		echo a >a
		git add a
		git commit -qm a
		show untagged
		git tag v1.2.3
		show tagged
		echo b >a
		show changed
		git checkout -q a
		echo b >b.go
		show unknown
		git add b.go
		git commit -qm b
		show later
		mkdir inside
		cd inside
		show inside
		VERSION=v2 COMMIT=c COMMIT_TIME=5
		show said`, work)))
	want := `archive: dev  
untagged: HASH HEAD 1767225600
tagged: v1.2.3 HEAD 1767225600
changed: v1.2.3-dirty HEAD 1767225600
unknown: v1.2.3-dirty HEAD 1767225600
later: v1.2.3-1-gHASH HEAD 1767225600
inside: dev  
said: v2  5
`
	if r.Stdout != want {
		t.Errorf("%s\nwant\n%s", r, want)
	}
	cmd := exec.Command("../.package/build", filepath.Join(work, "out"), "linux/amd64")
	cmd.Env = append(os.Environ(), "VERSION=../v1")
	if r := rig.Collect(cmd); r.Code == 0 || !strings.Contains(r.Stderr, "VERSION is no version") {
		t.Error(r)
	}
}
