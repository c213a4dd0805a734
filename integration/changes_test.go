// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/rig"
)

// tinyPackage packs one file, config.json, in a fresh folder of the user's.
func tinyPackage(t *testing.T, u *rig.User) string {
	t.Helper()
	dir := folder(t, u)
	model := subfolder(t, u, dir, "model")
	if err := os.WriteFile(filepath.Join(model, "config.json"), []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	pkg := filepath.Join(dir, "model.tgsp")
	if r := u.Run("pack", model, "-o", pkg); r.Code != 0 {
		t.Fatal(r)
	}
	return pkg
}

// TestRecipientsAddedAtOnce adds recipients with several commands at once, while
// others read: all succeed, and no recipient is lost.
func TestRecipientsAddedAtOnce(t *testing.T) {
	const writers, each = 4, 5
	u := caller(t)
	pkg := tinyPackage(t, u)
	done := make(chan struct{})
	var adding, reading sync.WaitGroup
	for range writers {
		adding.Go(func() {
			for range each {
				identity, err := tgspcrypto.GenerateIdentity(tgspcrypto.X25519)
				if err != nil {
					t.Error(err)
					return
				}
				if r := u.Run("recipients", "add", pkg, identity.Recipient().String()); r.Code != 0 {
					t.Error(r)
				}
			}
		})
	}
	for _, args := range [][]string{{"verify", pkg}, {"cat", pkg, "config.json"}} {
		reading.Go(func() {
			for {
				if r := u.Run(args...); r.Code != 0 {
					t.Error(r)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	adding.Wait()
	close(done)
	reading.Wait()
	var list struct{ Recipients []any }
	r := u.Run("recipients", "list", pkg, "--json")
	if err := json.Unmarshal([]byte(r.Stdout), &list); err != nil || len(list.Recipients) != 1+writers*each {
		t.Errorf("%d recipients, %v, want %d: %s", len(list.Recipients), err, 1+writers*each, r)
	}
}
