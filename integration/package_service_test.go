// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"os"
	"strings"
	"testing"

	"github.com/tensorguard/tgsp/integration/rig"
)

// serviceRoom is a room with systemd in which tgsp@chat is configured as the unit
// says: the service's key is its own, its author somebody whom only it trusts. FUSE's program for
// users is not there.
func serviceRoom(t *testing.T) *rig.Room {
	t.Helper()
	room := installed(t, true)
	succeeds(t, room.Run(packInRoom+`
		tgsp keygen identity -o /etc/tgsp/identity.key
		mkdir /srv/chat
		tgsp pack model -o /srv/chat.tgsp --package-id acme/chat --version 1.2.0 -r "$(grep -o 'tgsp-x25519:[a-z0-9]*' /etc/tgsp/identity.key)"
		tgsp inspect --json model.tgsp | grep -o 'tgsp-author:[a-z0-9]*' | head -1 >/etc/tgsp/author.pub
		cp /usr/share/doc/tgsp/example.conf /etc/tgsp/chat.conf
		mv .config/tgsp author # whom nobody trusts by that`))
	return room
}

// has fails the test unless systemd says so of the service.
func has(t *testing.T, room *rig.Room, properties ...string) {
	t.Helper()
	r := succeeds(t, room.Run("systemctl show tgsp@chat"))
	for _, property := range properties {
		if !strings.Contains("\n"+r.Stdout, "\n"+property+"\n") {
			name, _, _ := strings.Cut(property, "=")
			t.Errorf("want %s: %s%s", property, room.Run("systemctl show --property "+name+" tgsp@chat").Stdout, room.Run("journalctl --unit tgsp@chat").Stdout)
		}
	}
}

// mainPID is a word of the shell.
const mainPID = "$(systemctl show --value --property MainPID tgsp@chat)"

// TestService starts the unit: it has started when the folder can be read, by all
// of the machine, and with it goes what is mounted, however its process ends.
func TestService(t *testing.T) {
	room := serviceRoom(t)
	succeeds(t, room.Run("systemctl enable --now tgsp@chat; diff -r model /srv/chat; findmnt --noheadings --output SOURCE /srv/chat | grep -x /srv/chat.tgsp"))
	succeeds(t, room.RunAs("tester", "grep -x '{\"model_type\": \"room\"}' /srv/chat/config.json"))
	has(t, room, "ActiveState=active", "StatusText=acme/chat 1.2.0 is mounted at /srv/chat", "NRestarts=0")
	succeeds(t, room.Run("systemctl is-enabled tgsp@chat"))
	// An upgrade leaves it alone.
	succeeds(t, room.Run("before="+mainPID+"; dpkg --install /tmp/tgsp.deb; test "+mainPID+" = $before; diff -r model /srv/chat"))

	succeeds(t, room.Run("kill -KILL "+mainPID+`
		until [ "$(systemctl show --value --property NRestarts,ActiveState tgsp@chat | tr -d '\n')" = 1active ]; do sleep 0.1; done
		diff -r model /srv/chat`))

	succeeds(t, room.Run("systemctl stop tgsp@chat; if mountpoint -q /srv/chat; then exit 1; fi; test ! -e /run/credentials/tgsp@chat.service"))
	has(t, room, "ActiveState=inactive", "Result=success")
	succeeds(t, room.Run("systemctl start tgsp@chat; TGSP_HOME=/var/lib/tgsp tgsp umount --revoke /srv/chat; until systemctl show --value --property ActiveState tgsp@chat | grep -xE 'inactive|failed'; do sleep 0.1; done"))
	has(t, room, "ActiveState=inactive", "Result=success")

	succeeds(t, room.Run("systemctl start tgsp@chat; dpkg --remove tgsp; if mountpoint -q /srv/chat; then exit 1; fi; test -s /etc/tgsp/chat.conf"))
}

// TestServiceIsConfined looks at what its process may do. Its memory is locked
// where the manager can lift the limit, or as here with a right that does without.
func TestServiceIsConfined(t *testing.T) {
	room := serviceRoom(t)
	succeeds(t, room.Run(`systemctl start tgsp@chat
		test "$(readlink /proc/`+mainPID+`/ns/mnt)" = "$(readlink /proc/1/ns/mnt)"
		journalctl --unit tgsp@chat | grep 'read-ahead set'`))
	status := succeeds(t, room.Run("cat /proc/"+mainPID+"/status")).Stdout
	for _, want := range []string{"CapBnd:\t0000000000200004", "CapEff:\t0000000000200004", "NoNewPrivs:\t1", "Seccomp:\t2"} { // to mount, and to read
		if !strings.Contains(status, want+"\n") {
			t.Errorf("its process is without %q: %s", want, status)
		}
	}
	has(t, room, "LimitMEMLOCK=infinity", "LimitCORE=0")
	succeeds(t, room.Run(`mkdir -p /etc/systemd/system/tgsp@.service.d
		printf '[Service]\nCapabilityBoundingSet=CAP_IPC_LOCK\n' >/etc/systemd/system/tgsp@.service.d/lock.conf
		systemctl daemon-reload
		systemctl restart tgsp@chat
		journalctl --unit tgsp@chat | grep memory_locked=true`))
	if r := room.Run("systemd-analyze verify /usr/lib/systemd/system/tgsp@.service"); r.Code != 0 || r.Stdout+r.Stderr != "" {
		t.Error(r)
	}
	succeeds(t, room.Run("rm -r /etc/systemd/system/tgsp@.service.d; systemd-analyze security --offline=true --threshold=40 /usr/lib/systemd/system/tgsp@.service"))
}

// TestServiceShowsAndAsks turns counters on, and a key with a passphrase, which the
// manager hands over like the key.
func TestServiceShowsAndAsks(t *testing.T) {
	room := serviceRoom(t)
	succeeds(t, room.Run(`echo 'a phrase of five words' >/etc/tgsp/passphrase
		tgsp keygen identity --passphrase --passphrase-file /etc/tgsp/passphrase -o protected >line
		mv protected /etc/tgsp/identity.key
		tgsp pack model -o /srv/new -r "$(grep -o 'tgsp-x25519:[a-z0-9]*' line)" --sign-key author/author.key
		mv /srv/new /srv/chat.tgsp
		sed -i 's/^TGSP_OPTIONS=/&--metrics 9477 /' /etc/tgsp/chat.conf`))
	if r := room.Run("systemctl start tgsp@chat"); r.Code == 0 {
		t.Error("it opens the key without its passphrase")
	}
	succeeds(t, room.Run(`mkdir -p /etc/systemd/system/tgsp@.service.d
		printf '[Service]\nLoadCredential=tgsp-passphrase:/etc/tgsp/passphrase\n' >/etc/systemd/system/tgsp@.service.d/passphrase.conf
		systemctl daemon-reload
		systemctl restart tgsp@chat
		diff -r model /srv/chat`))
	r := succeeds(t, room.Run(`bash -c 'exec 3<>/dev/tcp/127.0.0.1/9477; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3'`))
	if !strings.Contains(r.Stdout, "\ntgsp_read_bytes_total ") {
		t.Error(r)
	}
}

// TestServiceTriesAgain where that can help: for storage that comes later, and not
// for a package that is refused.
func TestServiceTriesAgain(t *testing.T) {
	room := serviceRoom(t)
	succeeds(t, room.Run("mv /srv/chat.tgsp /srv/later"))
	if r := room.Run("systemctl start tgsp@chat"); r.Code == 0 {
		t.Error(r)
	}
	has(t, room, "SubState=auto-restart", "ExecMainStatus=1")
	succeeds(t, room.Run("mv /srv/later /srv/chat.tgsp; until systemctl is-active tgsp@chat; do sleep 0.1; done; diff -r model /srv/chat; systemctl stop tgsp@chat"))

	succeeds(t, room.Run("mv /etc/tgsp/author.pub right; tgsp keygen author -o other >/etc/tgsp/author.pub"))
	if r := room.Run("systemctl start tgsp@chat"); r.Code == 0 {
		t.Error(r)
	}
	has(t, room, "SubState=failed", "ExecMainStatus=12")
	succeeds(t, room.Run(`TGSP_HOME=/var/lib/tgsp tgsp trust add "$(cat right)"; systemctl start tgsp@chat; diff -r model /srv/chat`))
}

// The examples of README.md.
const (
	tableExample = "/srv/chat.tgsp  /srv/chat  fuse.tgsp  ro,allow_other,nofail,identity=/etc/tgsp/identity.key,trusted_key=/etc/tgsp/author.pub,x-systemd.after=time-sync.target  0  0\n"
	unitExample  = `[Unit]
After=time-sync.target

[Mount]
What=/srv/chat.tgsp
Where=/srv/chat
Type=fuse.tgsp
Options=ro,allow_other,nofail,identity=/etc/tgsp/identity.key,trusted_key=/etc/tgsp/author.pub

[Install]
WantedBy=multi-user.target
`
)

// TestMountUnits has systemd mount a package by itself, from a unit and from
// fstab, as it does at boot.
func TestMountUnits(t *testing.T) {
	room := serviceRoom(t)
	readme := string(must(os.ReadFile("../README.md"))(t))
	for file, example := range map[string]string{"/etc/systemd/system/srv-chat.mount": unitExample, "/etc/fstab": tableExample} {
		if !strings.Contains(readme, example) {
			t.Errorf("README.md has another example: %s", example)
		}
		succeeds(t, room.Run("cat >"+file+" <<'END'\n"+example+`END
			systemctl daemon-reload
			systemctl start srv-chat.mount
			diff -r model /srv/chat
			setpriv --reuid tester cat /srv/chat/config.json
			systemctl is-active srv-chat.mount
			systemctl show --property After srv-chat.mount | grep -w time-sync.target
			systemctl show --property Before srv-chat.mount >/tmp/before # the clock is set later than local-fs.target
			if grep -w local-fs.target /tmp/before; then exit 1; fi
			systemctl stop srv-chat.mount
			if mountpoint -q /srv/chat; then exit 1; fi
			rm `+file))
	}
}
