// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/integration/rig"
)

// TestRevokeForeground does not fail a service whose user has closed its mount.
func TestRevokeForeground(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mountForeground(t, u, samplePackage(t, u))
		succeeds(t, u.Run("umount", "--revoke", m.Dir))
		if code, err := m.Wait(); err != nil || code != 0 {
			t.Errorf("exit %d, %v: %s", code, err, m.Log())
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}

// TestRevokeOfOthers lets a user revoke no mount but their own.
func TestRevokeOfOthers(t *testing.T) {
	u, other := caller(t), nobody(t)
	m := mount(t, u, samplePackage(t, u))
	refused(t, other.Run("umount", "--revoke", m.Dir), 17, "another user", "TGSP_HOME=")
	if r := rig.Collect(u.Exec("cat", filepath.Join(m.Dir, "config.json"))); r.Code != 0 {
		t.Error(r)
	}
	unmount(t, m)
}

// TestRevokeAfterKill cleans up after a daemon that was killed, and says what it
// cannot take away.
func TestRevokeAfterKill(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		m := mount(t, u, samplePackage(t, u))
		if err := syscall.Kill(m.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := rig.Until("the daemon is gone", func() (bool, error) { return m.Exited(), nil }); err != nil {
			t.Fatal(err)
		}
		refused(t, u.Run("umount", "--revoke", m.Dir), 0, "was killed", "mapped")
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}

// TestRevokeOnHangingStorage takes a mount away whose storage does not answer. The
// folder goes at once, and what is cached with it.
func TestRevokeOnHangingStorage(t *testing.T) {
	asEach(t, func(t *testing.T, u *rig.User) {
		s, m, at := onStorage(t, u)
		if r := rig.Collect(u.Exec("cat", filepath.Join(m.Dir, "near.bin"))); r.Code != 0 {
			t.Fatal(r)
		}
		s.suffer(t, trouble{Kind: "hang", From: at.at("far.bin", 0), To: at.at("far.bin", 1<<20)})
		reader := u.Exec("cat", filepath.Join(m.Dir, "far.bin"))
		if err := reader.Start(); err != nil {
			t.Fatal(err)
		}
		if err := rig.Until("a read hangs", func() (bool, error) { return s.waiting(t) > 0, nil }); err != nil {
			t.Fatal(err)
		}
		r := u.Run("umount", "--revoke", m.Dir)
		t.Logf("umount --revoke took %v: %s", r.Wall.Round(time.Millisecond), r.Stderr)
		if r.Code != 0 || !strings.Contains(r.Stderr, "is closed") {
			t.Error(r)
		}
		if list := must(rig.Mounts(m.Dir))(t); len(list) > 0 {
			t.Errorf("still mounted: %v", list)
		}
		if !strings.Contains(m.Log(), "storage does not answer") {
			t.Errorf("the log does not tell:\n%s", m.Log())
		}
		s.suffer(t)
		if err := reader.Wait(); err == nil {
			t.Error("the read that hung was served afterwards")
		}
		if code, err := m.Wait(); err != nil || code != 0 {
			t.Errorf("exit %d, %v: %s", code, err, m.Log())
		}
		if err := m.Gone(); err != nil {
			t.Error(err)
		}
	})
}
