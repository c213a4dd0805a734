// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// cleanRoot is what rooms are made of: Debian's smallest system, and some more.
var cleanRoot = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("../.ci/clean-root")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output wraps nothing
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return "", fmt.Errorf(".ci/clean-root, which needs debootstrap: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
})

// openRoom opens a room with a user called tester, until the end of the test.
func openRoom(t *testing.T, boot bool) *rig.Room {
	t.Helper()
	needRoot(t)
	room := must(rig.OpenRoom(must(cleanRoot())(t), boot))(t)
	t.Cleanup(func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
	succeeds(t, room.Run("useradd --create-home --shell /bin/bash tester"))
	return room
}

// installed is openRoom with the package, which lies in /tmp as well.
func installed(t *testing.T, boot bool) *rig.Room {
	t.Helper()
	room := openRoom(t, boot)
	put(t, room, debFile(runtime.GOARCH), "/tmp/tgsp.deb")
	succeeds(t, room.Run("dpkg --install /tmp/tgsp.deb"))
	return room
}

// put copies what was built for this machine's architecture into a room.
func put(t *testing.T, room *rig.Room, name, to string) {
	t.Helper()
	if err := room.Put(packageFile(t, name), to); err != nil {
		t.Fatal(err)
	}
}

// packInRoom makes keys and a package, model.tgsp, of the folder model.
const packInRoom = `
	mkdir model mnt
	head -c 3000000 /dev/urandom >model/weights.bin
	echo '{"model_type": "room"}' >model/config.json
	tgsp init
	tgsp pack model -o model.tgsp
	tgsp verify model.tgsp
	`

// useInRoom mounts it and takes the mount away.
const useInRoom = `
	tgsp mount model.tgsp mnt
	diff -r model mnt
	tgsp status | grep -q "$PWD/mnt"
	tgsp umount mnt
	if mountpoint -q mnt; then exit 1; fi
	`

// TestInstallUseRemove does with the Debian package all that a person does, as root
// and as a user, in a system that has no network and nothing of ours.
func TestInstallUseRemove(t *testing.T) {
	room := openRoom(t, false)
	before := filesIn(t, room)
	if r := room.Run("command -v tgsp fusermount3"); r.Code == 0 || r.Stdout != "" {
		t.Fatalf("it is not clean: %s", r)
	}
	put(t, room, debFile(runtime.GOARCH), "/tmp/tgsp.deb")
	// FUSE's program for users comes along: it is recommended.
	succeeds(t, room.Run("apt-get install --yes /tmp/tgsp.deb; command -v fusermount3"))
	succeeds(t, room.Run("tgsp version | grep -F 'tgsp "+programVersion+",'"))
	succeeds(t, room.Run("dpkg --verify tgsp; test -z \"$(dpkg --verify tgsp)\""))
	succeeds(t, room.Run(packInRoom+useInRoom))
	succeeds(t, room.RunAs("tester", packInRoom+useInRoom))

	// Whatever happens to the program, what is mounted stays so.
	succeeds(t, room.Run("tgsp mount model.tgsp mnt; dpkg --install /tmp/tgsp.deb; diff -r model mnt; tgsp umount mnt"))
	succeeds(t, room.RunAs("tester", "tgsp mount model.tgsp mnt"))
	succeeds(t, room.Run("apt-get remove --yes tgsp; ! command -v tgsp"))
	succeeds(t, room.RunAs("tester", "diff -r model mnt; fusermount3 -u mnt"))

	succeeds(t, room.Run("apt-get autoremove --yes --purge; ! command -v fusermount3"))
	if r := room.Run("dpkg-query --show --showformat '${db:Status-Status}' tgsp"); strings.Contains(r.Stdout, "installed") || strings.Contains(r.Stdout, "config") {
		t.Errorf("it leaves configuration: %s", r)
	}
	for _, file := range filesIn(t, room) {
		if !slices.Contains(before, file) && !strings.HasPrefix(file, "/root/") && !strings.HasPrefix(file, "/home/tester/") {
			t.Errorf("left behind: %s", file)
		}
	}
	after := filesIn(t, room)
	for _, file := range before {
		if !slices.Contains(after, file) {
			t.Errorf("taken away: %s", file)
		}
	}
	succeeds(t, room.Run("test -s .config/tgsp/identity.key; test -s model.tgsp")) // which the user made
}

// filesIn lists what is in a room, but for what the package manager notes down.
func filesIn(t *testing.T, room *rig.Room) []string {
	t.Helper()
	r := succeeds(t, room.Run(`find / -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) -prune -o -print`))
	files := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if !slices.Contains(files, "/usr/bin/dpkg") {
		t.Fatalf("the list is wrong: %q", files)
	}
	return files
}

// TestManual formats every page, as man does, without a warning, and looks for
// one of each verb and for the options.
func TestManual(t *testing.T) {
	room := installed(t, false)
	r := room.Run(`
		for page in $(dpkg --listfiles tgsp | grep '/man1/.*[.]gz$'); do
			echo "$page"
			man --warnings=w -Tutf8 -l "$page" >/dev/null
		done`)
	if pages := strings.Count(r.Stdout, "\n"); r.Code != 0 || r.Stderr != "" || pages < 30 {
		t.Errorf("%d pages: %s", pages, r)
	}
	succeeds(t, room.Run(`
		for verb in $(tgsp help | sed -n '/^Available/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v '^help$'); do
			echo "$verb"
			man -w "tgsp-$verb" >/dev/null
			if [ "$verb" = mount ]; then seen=yes; fi
		done
		test "$seen" = yes
		man -w tgsp tgsp-fleet-enroll`))
	succeeds(t, room.Run(`man -P cat tgsp-mount >/tmp/page; grep -e ' --allow-other' /tmp/page; grep 'a name that nobody has' /tmp/page && exit 1; grep -A3 '^EXIT STATUS' /tmp/page | grep done`))
}

// TestCompletions has bash-completion load ours by itself, and asks it.
func TestCompletions(t *testing.T) {
	room := installed(t, false)
	r := succeeds(t, room.RunAs("tester", `cat >ask <<'END'
		. /usr/share/bash-completion/bash_completion
		_completion_loader tgsp
		complete -p tgsp
		COMP_WORDS=(tgsp moun) COMP_CWORD=1 COMP_LINE='tgsp moun' COMP_POINT=9
		__start_tgsp 2>/dev/null
		printf 'offered: %s\n' "${COMPREPLY[@]}"
END
		bash ask`))
	if !strings.Contains(r.Stdout, "__start_tgsp tgsp") || !strings.Contains(r.Stdout, "offered: mount") || strings.Contains(r.Stdout, "offered: pack") {
		t.Error(r)
	}
	succeeds(t, room.Run(`grep -q '^#compdef tgsp' /usr/share/zsh/vendor-completions/_tgsp; grep -q 'complete -c tgsp' /usr/share/fish/vendor_completions.d/tgsp.fish`))
}
