// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"strings"
	"testing"
)

// mountedInRoom looks at what is mounted, reads it, and unmounts it as any other
// file system. It waits for the process behind it.
const mountedInRoom = `
	test "$(findmnt --noheadings --output FSTYPE,SOURCE --raw "$PWD/mnt")" = "fuse.tgsp $PWD/model.tgsp"
	diff -r model mnt
	served() { grep -qs '^Name:	tgsp$' /proc/[0-9]*/status; }
	served
	umount mnt
	while served; do sleep 0.05; done
	`

// noHome is the environment that a manager of services gives to mount.
const noHome = "env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin "

// TestMountByType mounts a package with mount(8): by the link that it finds, and
// without it by the helper that FUSE has.
func TestMountByType(t *testing.T) {
	room := installed(t, false)
	succeeds(t, room.Run(packInRoom+"test ! -e /usr/sbin/mount.fuse3")) // our own is all that there is
	byType := "mount -t fuse.tgsp model.tgsp mnt"
	for _, command := range []string{
		byType, noHome + byType, byType + " -o rw", byType + " -o ro,nofail,noexec,x-systemd.automount",
		byType + " -v -n", byType + " -o identity=/root/.config/tgsp/identity.key -s",
	} {
		succeeds(t, room.Run(command+mountedInRoom))
	}
	succeeds(t, room.Run("chmod 711 /root"))
	for options, status := range map[string]int{"": 1, " -o allow_other": 0} {
		succeeds(t, room.Run(byType+options))
		if r := room.RunAs("tester", "cmp /root/model/config.json /root/mnt/config.json || exit 1"); r.Code != status {
			t.Errorf("mounted with %q: %s", options, r)
		}
		succeeds(t, room.Run("umount mnt"))
	}
	if r := room.Run(byType + " -f; ! mountpoint -q mnt"); r.Code != 0 {
		t.Errorf("a mount that only pretends: %s", r)
	}
	if r := room.Run("mount -t fuse.tgsp model.tgsp mnt -o nonsense"); r.Code != 3 || !strings.Contains(r.Stderr, "nonsense: unknown option") {
		t.Error(r)
	}
	if r := room.Run("mount -t fuse.tgsp model/config.json mnt"); r.Code != 10 {
		t.Errorf("what is no package: %s", r)
	}
	succeeds(t, room.Run("apt-get install --yes fuse3; rm /usr/sbin/mount.fuse.tgsp; test -e /sbin/mount.fuse3"))
	succeeds(t, room.Run(byType+mountedInRoom))
}

// TestMountByTable mounts what /etc/fstab lists, as at boot, and once more for a
// user to whom it grants that.
func TestMountByTable(t *testing.T) {
	room := installed(t, false)
	succeeds(t, room.Run("apt-get install --yes fuse3"))
	succeeds(t, room.Run(packInRoom+`echo '/root/model.tgsp /root/mnt fuse.tgsp ro,nofail,x-systemd.requires-mounts-for=/srv 0 0' >>/etc/fstab`))
	succeeds(t, room.RunAs("tester", packInRoom))
	succeeds(t, room.Run(`echo '/home/tester/model.tgsp /home/tester/mnt fuse.tgsp noauto,user 0 0' >>/etc/fstab`))
	succeeds(t, room.Run(noHome+"mount -fav; ! mountpoint -q mnt"))
	succeeds(t, room.Run(noHome+"mount -a; mount -a; test \"$(findmnt --noheadings mnt | wc -l)\" = 1;"+mountedInRoom))
	succeeds(t, room.RunAs("tester", "mount mnt; diff -r model mnt; stat -c %U mnt | grep -x tester; umount mnt; ! mountpoint -q mnt"))
}
