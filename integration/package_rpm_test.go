// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestRPM installs the RPM package beside Debian's own, uses and removes it. What
// it recommends is unknown to rpm here.
func TestRPM(t *testing.T) {
	room := openRoom(t, false)
	succeeds(t, room.Run("rpm --initdb"))
	before := filesIn(t, room)
	put(t, room, rpmFile(runtime.GOARCH), "/tmp/tgsp.rpm")
	r := succeeds(t, room.Run("rpm --query --info --recommends --package /tmp/tgsp.rpm; rpm --checksig --verbose /tmp/tgsp.rpm"))
	for _, want := range []string{"Architecture: " + rpmArch[runtime.GOARCH], "Vendor      : The TGSP authors", "License     : Apache-2.0", "Build Host  : localhost", "\nfuse3\n", "digest: OK"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("it does not say %q: %s", want, r)
		}
	}
	succeeds(t, room.Run("rpm --force-debian --install --nodeps /tmp/tgsp.rpm"))
	if r := succeeds(t, room.Run("rpm --verify --nodeps tgsp")); r.Stdout != "" {
		t.Errorf("other files than those in it: %s", r)
	}
	succeeds(t, room.Run(packInRoom+useInRoom+"rm -r model mnt model.tgsp .config"))
	succeeds(t, room.Run("test -s /usr/share/zsh/site-functions/_tgsp; test -e /usr/sbin/mount.fuse.tgsp; test -d /etc/tgsp"))
	succeeds(t, room.Run("rpm --force-debian --erase --nodeps tgsp"))
	if after := filesIn(t, room); !slices.Equal(after, before) {
		t.Errorf("%d files before, and afterwards %d", len(before), len(after))
		for _, file := range after {
			if !slices.Contains(before, file) {
				t.Errorf("left behind: %s", file)
			}
		}
	}
}
