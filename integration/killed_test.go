// SPDX-License-Identifier: Apache-2.0

//go:build linux

package integration

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tensorguard/tgsp/container"
	tgspcrypto "github.com/tensorguard/tgsp/crypto"
	"github.com/tensorguard/tgsp/integration/model"
	"github.com/tensorguard/tgsp/integration/rig"
)

// killWhen starts a command and kills it as soon as now says so, or lets it end.
func killWhen(t *testing.T, cmd *exec.Cmd, now func() bool) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed or not, what it leaves is looked at
	}()
	for {
		select {
		case <-ended:
			return
		default:
		}
		if now() {
			_ = cmd.Process.Kill() // it may have ended
			<-ended
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// after is true from a random moment on, mostly before a command of that length ends.
func after(random *rand.Rand, length time.Duration) func() bool {
	moment := time.Now().Add(time.Duration(random.Int64N(int64(length) * 5 / 4)))
	return func() bool { return time.Now().After(moment) }
}

func succeeds(t *testing.T, r rig.Result) rig.Result {
	t.Helper()
	if r.Code != 0 {
		t.Fatal(r)
	}
	return r
}

// TestKilledPack kills pack at random moments. Under the package's name there is
// nothing, or a whole package, and the next pack succeeds.
func TestKilledPack(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	plain, pkg := filepath.Join(dir, "model"), filepath.Join(dir, "m.tgsp")
	must(model.Generate(plain, model.Options{Seed: 2, Size: 16 << 20, Shards: 1}))(t)
	wall := succeeds(t, u.Run("pack", plain, "-o", filepath.Join(dir, "first.tgsp"))).Wall
	random := rand.New(rand.NewPCG(5, 6))
	none, whole := 0, 0
	for range 12 {
		killWhen(t, u.Command("pack", plain, "-o", pkg), after(random, wall))
		if _, err := os.Stat(pkg); errors.Is(err, fs.ErrNotExist) {
			none++
			continue
		}
		whole++
		succeeds(t, u.Run("verify", pkg))
		if whole > 3 { // it was replaced often enough
			if err := os.Remove(pkg); err != nil {
				t.Fatal(err)
			}
		}
	}
	succeeds(t, u.Run("pack", plain, "-o", pkg))
	succeeds(t, u.Run("verify", pkg))
	t.Logf("%d times nothing, %d times a whole package", none, whole)
}

// TestKilledChange kills changes of a package's recipients at random moments,
// and as soon as both slots are in use. The package always opens, as it was or
// as it was to be; the next change or a repair ends what was cut off.
func TestKilledChange(t *testing.T) {
	u := caller(t)
	dir := folder(t, u)
	plain, pkg := filepath.Join(dir, "model"), filepath.Join(dir, "m.tgsp")
	must(model.Generate(plain, model.Options{Seed: 3, Size: 1 << 20, Shards: 1}))(t)
	succeeds(t, u.Run("pack", plain, "-o", pkg))
	add := func() *exec.Cmd {
		id := must(tgspcrypto.GenerateIdentity(tgspcrypto.X25519))(t)
		return u.Command("recipients", "add", pkg, id.Recipient().String())
	}
	wall := succeeds(t, rig.Collect(add())).Wall
	random := rand.New(rand.NewPCG(7, 8))
	recipients := 2
	made, unfinished, repaired := 0, 0, 0
	for round := range 100 {
		now := after(random, wall)
		if round%2 == 1 {
			now = bothInUse(t, pkg)
		}
		killWhen(t, add(), now)
		f := must(container.OpenFile(pkg))(t)
		n, cut := len(f.Claims().Recipients()), f.Unfinished() != nil
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if n != recipients && n != recipients+1 {
			t.Fatalf("round %d: %d recipients, want %d or one more", round, n, recipients)
		}
		made += n - recipients
		recipients = n
		succeeds(t, u.Run("ls", pkg))
		if !cut {
			continue
		}
		unfinished++
		refused(t, u.Run("verify", pkg), 19, "tgsp recipients repair")
		if unfinished%2 == 0 { // the others are ended by the next change
			repaired++
			succeeds(t, u.Run("recipients", "repair", pkg))
			succeeds(t, u.Run("verify", pkg))
		}
	}
	succeeds(t, rig.Collect(add()))
	succeeds(t, u.Run("verify", pkg))
	t.Logf("of 100 changes %d were made; %d times the package was left unfinished, and %d times repaired", made, unfinished, repaired)
}

// bothInUse is true while neither slot begins with zeros.
func bothInUse(t *testing.T, pkg string) func() bool {
	t.Helper()
	f := must(os.Open(pkg))(t)
	t.Cleanup(func() { f.Close() })
	head := make([]byte, 16)
	if _, err := f.ReadAt(head, 0); err != nil {
		t.Fatal(err)
	}
	size := int64(binary.BigEndian.Uint32(head[12:]))
	return func() bool {
		for slot := range int64(2) {
			b := make([]byte, 4)
			if _, err := f.ReadAt(b, 4096+slot*size); err != nil {
				t.Fatal(err)
			}
			if binary.BigEndian.Uint32(b) == 0 {
				return false
			}
		}
		return true
	}
}
